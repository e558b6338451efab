package wsmantest

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// FleetConfig configures a [Fleet]. Hosts is required.
type FleetConfig struct {
	// Hosts is how many there are: from 1 to 20,000.
	Hosts int
	// Addr is where the first host listens, an IP address and a port. If empty, 127.0.0.1:0. Each further one has the port
	// after that of the one before; with port 0 every host takes any that is free.
	Addr string
	// Addresses gives each further host the address after that of the one before and the same port, in place of a port of
	// its own: 127.0.0.1, 127.0.0.2 and so on. Linux and Windows answer on all of 127.0.0.0/8 without being told.
	Addresses bool
	// Names are further names that the hosts are called by, all of them alike. The certificate is for these names and for all
	// addresses. Of tickets for Kerberos there are at most a thousand: for localhost, the addresses and these names, in this
	// order.
	Names []string
	// Delay is that of each host whose configuration has none.
	Delay time.Duration
	// Host returns the configuration of the host with that index, from 0. The fleet sets Addr, and what the configuration
	// leaves out: Model, to [FleetModel]; Records, to 16; and Delay. Hosts may share a Model. If nil, all is left out: hosts
	// over HTTPS with DefaultUsers.
	Host func(i int) Config
	// User returns who [Fleet.List] says that the host with that index is to be asked as; "" is nobody. If nil, nobody.
	User func(i int) string
}

// A Fleet is many simulated hosts in one process, each with its own clock, jobs, users and rules. What would be alike is
// there once: the classes of CIM, and for hosts without [Config.Names] the certificate, its authority and the keys of
// Kerberos, so that CACertPEM and CCache of one host serve for all. A fleet is safe for concurrent use.
type Fleet struct {
	cfg   FleetConfig
	first netip.AddrPort
	hosts []*Server
}

const (
	// maxFleet bounds the hosts of a fleet: the certificate names the address of each, and clients read no larger one than
	// 256 KiB.
	maxFleet = 20_000
	// fleetRecords is how many requests a host of a fleet remembers: half a kilobyte each.
	fleetRecords = 16
)

// NewFleet returns a fleet that does not listen yet. Like those of servers, its hosts can be asked by [Server.Transport]
// without listening.
func NewFleet(cfg FleetConfig) (*Fleet, error) {
	f := &Fleet{cfg: cfg}
	if err := f.place(); err != nil {
		return nil, fmt.Errorf("wsmantest: %w", err)
	}
	common := newCommon(f.addresses(), cfg.Names)
	for i := range cfg.Hosts {
		s, err := newServer(f.config(i), common)
		if user := f.user(i); err == nil && strings.ContainsAny(user, "\"\r\n") {
			err = fmt.Errorf("user %q cannot stand in a list", user)
		}
		if err != nil {
			return nil, fmt.Errorf("wsmantest: host %d of %d: %w", i+1, cfg.Hosts, err)
		}
		f.hosts = append(f.hosts, s)
	}
	return f, nil
}

// place finds out where the first host is, and whether the others have room behind it.
func (f *Fleet) place() error {
	if f.cfg.Hosts < 1 || f.cfg.Hosts > maxFleet {
		return fmt.Errorf("a fleet has from 1 to %d hosts, not %d", maxFleet, f.cfg.Hosts)
	}
	addr := cmp.Or(f.cfg.Addr, defaultAddr)
	var err error
	if f.first, err = netip.ParseAddrPort(addr); err != nil {
		return fmt.Errorf("a fleet listens on an IP address and a port, not on %q", addr)
	}
	last := f.cfg.Hosts - 1
	switch port := int(f.first.Port()); {
	case f.first.Addr().IsUnspecified():
		return fmt.Errorf("a fleet is listed by where it listens, and %s is nowhere", f.first.Addr())
	case f.cfg.Addresses && !f.first.Addr().Unmap().Is4():
		return fmt.Errorf("a fleet of many addresses begins at one of IPv4, not at %s", f.first.Addr())
	case f.cfg.Addresses && f.address(last).Unmap().IsLoopback() != f.first.Addr().Unmap().IsLoopback():
		return fmt.Errorf("%d addresses from %s do not all lie in 127.0.0.0/8", f.cfg.Hosts, f.first.Addr())
	case !f.cfg.Addresses && port > 0 && port+last > 65535:
		return fmt.Errorf("%d ports from %d would end above 65535", f.cfg.Hosts, port)
	}
	return nil
}

// address returns the IP address of a host.
func (f *Fleet) address(i int) netip.Addr {
	if !f.cfg.Addresses {
		return f.first.Addr()
	}
	b := f.first.Addr().Unmap().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(i)) //nolint:gosec // at most maxFleet
	return netip.AddrFrom4(b)
}

// addresses returns the IP addresses of all hosts, without repetition.
func (f *Fleet) addresses() []string {
	if !f.cfg.Addresses {
		return []string{f.first.Addr().String()}
	}
	var list []string
	for i := range f.cfg.Hosts {
		list = append(list, f.address(i).String())
	}
	return list
}

// config returns the configuration of a host with what it leaves out.
func (f *Fleet) config(i int) Config {
	var cfg Config
	if f.cfg.Host != nil {
		cfg = f.cfg.Host(i)
	}
	if cfg.Model == nil {
		now := time.Now
		if cfg.Clock != nil {
			now = cfg.Clock
		}
		cfg.Model = FleetModel(i, now())
	}
	cfg.Delay, cfg.Records = cmp.Or(cfg.Delay, f.cfg.Delay), cmp.Or(cfg.Records, fleetRecords)
	cfg.Addr = f.listenOn(i, f.first.Port())
	return cfg
}

// listenOn returns where a host listens when the first one has that port.
func (f *Fleet) listenOn(i int, port uint16) string {
	if !f.cfg.Addresses && port > 0 {
		port += uint16(i) //nolint:gosec // place has looked
	}
	return netip.AddrPortFrom(f.address(i), port).String()
}

// Start makes all hosts listen and serve until Close. When one cannot, none does, and the error says which and where.
func (f *Fleet) Start() error {
	for i, s := range f.hosts {
		if f.cfg.Addresses && i > 0 && f.first.Port() == 0 {
			s.cfg.Addr = f.listenOn(i, f.hosts[0].port())
		}
		if err := s.start(); err != nil {
			return errors.Join(fmt.Errorf("wsmantest: host %d of %d: %w%s", i+1, len(f.hosts), err, f.remedy(i, err)), f.Close())
		}
	}
	return nil
}

// remedy says what helps against an error of Start that comes with many hosts alone.
func (f *Fleet) remedy(i int, err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return "; each host needs a descriptor for itself and one for each connection: raise the limit (ulimit -n)"
	case f.cfg.Addresses && i > 0 && errors.Is(err, syscall.EADDRNOTAVAIL):
		return "; this system knows no such address of its own, as macOS does not but for 127.0.0.1: leave out the many addresses"
	}
	return ""
}

// port returns the port of a server that listens.
func (s *Server) port() uint16 {
	if addr, ok := s.Addr().(*net.TCPAddr); ok {
		return addr.AddrPort().Port()
	}
	return 0
}

// Close ends all hosts.
func (f *Fleet) Close() error {
	var errs []error
	for _, s := range f.hosts {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// Len returns how many hosts there are.
func (f *Fleet) Len() int { return len(f.hosts) }

// Host returns the host with that index, from 0 to Len()-1. Its Close and Start take it away and bring it back.
func (f *Fleet) Host(i int) *Server { return f.hosts[i] }

// Restart is [Server.Restart] of the host with that index.
func (f *Fleet) Restart(i int) error { return f.hosts[i].Restart() }

// Cut is [Server.Cut] of the host with that index.
func (f *Fleet) Cut(i int) int { return f.hosts[i].Cut() }

// List writes a line per host, as `hvmigerr get @FILE` reads it: HOST:PORT, https=true if that is so, and user=NAME of
// [FleetConfig.User]. It is for a fleet that was started.
func (f *Fleet) List(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i := range f.hosts {
		_, _ = b.WriteString(f.Line(i) + "\n") // Flush returns the error
	}
	return b.Flush()
}

// Line is the line of [Fleet.List] for one host, without the line feed.
func (f *Fleet) Line(i int) string {
	s := f.hosts[i]
	line := cmp.Or(s.cfg.Addr, defaultAddr)
	if a := s.Addr(); a != nil {
		line = a.String()
	}
	if !s.cfg.HTTP {
		line += " https=true"
	}
	if user := f.user(i); user != "" {
		line += " user=" + listValue(user)
	}
	return line
}

// user returns who a host is to be asked as, or "".
func (f *Fleet) user(i int) string {
	if f.cfg.User == nil {
		return ""
	}
	return f.cfg.User(i)
}

// listValue returns s as a value in a list of hosts: in double quotes, which nothing escapes, when it could be read as something
// else.
func listValue(s string) string {
	if strings.ContainsAny(s, " \t\f\v#") {
		return `"` + s + `"`
	}
	return s
}
