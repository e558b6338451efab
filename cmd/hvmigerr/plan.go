package main

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/hvmigerr/hvmigerr/invoke/fleet"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// maxBodies bounds what all hosts together hold of answers, in bytes (DESIGN: Every read has a limit).
const maxBodies = 64 << 20

// A plan is whom one run of the command asks, as whom, and how. Everything that can be wrong with a command line is found while it
// is made; nothing is sent.
type plan struct {
	app   *app
	flags *connectionFlags
	hosts []*plannedHost // in the order given, without duplicates, and only those of --shard
	all   []*plannedHost // also those of other shards
	// many tells that the output is that of many hosts: several HOST arguments, a list of them, or a shard.
	many    bool
	breaker *fleet.Breaker

	budget   *transport.Budget
	decoding chan struct{}                 // has room for as many answers as are decoded at the same time
	password transport.Secret              // of all users; zero when nobody needs one
	copies   map[override]*connectionFlags // of hosts with overrides
	chosen   map[choiceKey]*choice
	names    map[string]*plannedHost // all that the operator named, also in other shards

	mu       sync.Mutex // of what open and add change
	kerberos map[kerberosKey]*kerberosSource
	traces   map[string]*traceDir
	added    map[string]*plannedHost
	warned   map[string]bool
}

// A plannedHost is one host of a plan. It does not change any more.
type plannedHost struct {
	target *target
	flags  *connectionFlags // with the overrides of this host
	method *method
	// credential is the same for all hosts that get the same proof of a password; "" when none goes to the host.
	credential string
	unusable   error // why the user's tickets or keys are of no use; there is no transport then
	kerberos   *transport.Kerberos
	names      []string // all that the operator calls this host
	listed     *listed
}

// fleetHost returns what package fleet knows of a host.
func (h *plannedHost) fleetHost() fleet.Host {
	return fleet.Host{Name: h.target.label, Credential: h.credential}
}

// plan reads the command line, the lists that it names and the files about TLS, and asks for the password, once for all. It sends
// nothing. All its errors are usage errors, or what ended ctx; that tickets or keys cannot be used is the sessions' to tell.
func (a *app) plan(ctx context.Context, f *connectionFlags, fs *pflag.FlagSet, args []string) (*plan, error) {
	if err := f.finish(fs); err != nil {
		return nil, err
	}
	if err := f.suitHosts(fs, args); err != nil {
		return nil, err
	}
	list, many, err := a.listHosts(ctx, f, args)
	if err != nil {
		return nil, err
	}
	p := a.newPlan(f)
	p.many = many
	if err := p.take(list); err != nil {
		return nil, err
	}
	if err := p.chooseShard(); err != nil {
		return nil, err
	}
	if err := p.prepare(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// newPlan returns a plan without hosts.
func (a *app) newPlan(f *connectionFlags) *plan {
	return &plan{
		app: a, flags: f,
		breaker: fleet.NewBreaker(cmp.Or(f.connectTimeout, transport.DefaultConnectTimeout)), budget: transport.NewBudget(maxBodies),
		decoding: make(chan struct{}, runtime.GOMAXPROCS(0)),
		copies:   map[override]*connectionFlags{}, chosen: map[choiceKey]*choice{}, names: map[string]*plannedHost{},
		kerberos: map[kerberosKey]*kerberosSource{}, traces: map[string]*traceDir{}, added: map[string]*plannedHost{}, warned: map[string]bool{},
	}
}

// take makes the hosts of the list those of the plan. A host that is there already, with the same user, is not taken again.
func (p *plan) take(list []listed) error {
	var wrong mistakes
	known := make(map[string]*plannedHost, len(list))
	for i := range list {
		h, err := p.host(&list[i])
		if err != nil {
			wrong.add(&list[i], err)
			continue
		}
		same := h.identity()
		names := h.names
		if first := known[same]; first != nil {
			first.names = append(first.names, names...)
			h = first
		} else {
			known[same] = h
			p.all = append(p.all, h)
		}
		for _, name := range names {
			if key := nameKey(name); p.names[key] == nil {
				p.names[key] = h
			}
		}
	}
	if err := wrong.err(); err != nil {
		return err
	}
	label(p.all)
	p.hosts = p.all
	return nil
}

// identity tells hosts apart: where requests go, and as whom.
func (h *plannedHost) identity() string {
	u, err := url.Parse(h.target.url)
	if err != nil {
		return h.target.url + " " + h.flags.user // hostRule has written it
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + u.Path + " " + h.flags.user
}

// host returns the host that l names.
func (p *plan) host(l *listed) (*plannedHost, error) {
	if l.err != nil {
		return nil, l.err
	}
	f := p.flagsOf(l.override)
	if err := f.checkCertificate(); err != nil {
		return nil, err
	}
	u, err := splitHost(l.arg)
	if err != nil {
		return nil, err
	}
	c := p.choose(f, u.Hostname())
	if has[*usageError](c.err) {
		return nil, c.err
	}
	port := u.Port() != "" || l.override.port != 0
	t, err := f.hostRule(c.method).target(l.arg, u)
	if err != nil {
		return nil, err
	}
	t.label = cmp.Or(l.name, t.name)
	if port && l.name == "" {
		t.label = t.withPort(t.label)
	}
	m := c.method
	if m.sealing() && f.seal == sealNever && !t.https {
		m = c.inClear()
	}
	if c.err == nil {
		if err := f.checkUser(m); err != nil {
			return nil, err
		}
	}
	if err := f.protect(m.Auth, t); err != nil {
		return nil, err
	}
	return &plannedHost{target: t, flags: f, method: m, credential: credential(f, m), unusable: c.err, names: l.names(u.Hostname()), listed: l}, nil
}

// names returns all that the operator calls the host of that name.
func (l *listed) names(name string) []string {
	if l.name == "" || l.name == name {
		return []string{name}
	}
	return []string{name, l.name}
}

// credential returns what a refusal by one host tells of others: the user, however the name is spelt and the password is proven.
func credential(f *connectionFlags, m *method) string {
	if !m.Password || m.Mechanism == transport.MechanismKerberos { // the password goes to the KDC alone
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(f.user, `.\`))
}

// withPort returns name with the port of t.
func (t *target) withPort(name string) string {
	u, err := url.Parse(t.url)
	if err != nil {
		return name // hostRule has written it
	}
	return net.JoinHostPort(name, u.Port())
}

// label gives each host a label of its own: the shortest of its name, its name with the port, and both with the user. For the same
// list it is always the same.
func label(hosts []*plannedHost) {
	forms := []func(h *plannedHost) string{
		func(h *plannedHost) string { return h.target.withPort(cmp.Or(h.listed.name, h.target.name)) },
		func(h *plannedHost) string {
			return h.target.withPort(cmp.Or(h.listed.name, h.target.name)) + " as " + h.flags.user
		},
		func(h *plannedHost) string { return h.target.url + " as " + h.flags.user },
	}
	for _, h := range hosts {
		h.target.key = strings.ToLower(h.target.label)
	}
	for _, form := range forms {
		seen := make(map[string]int, len(hosts))
		for _, h := range hosts {
			seen[h.target.key]++
		}
		if len(seen) == len(hosts) {
			return
		}
		for _, h := range hosts {
			if seen[h.target.key] > 1 {
				h.target.label = form(h)
			}
		}
		for _, h := range hosts {
			h.target.key = strings.ToLower(h.target.label)
		}
	}
}

// named returns the host that the operator calls so, nil if there is none: a whole name, but for the case of letters and one dot at
// the end.
func (p *plan) named(name string) *plannedHost { return p.names[nameKey(name)] }

// nameKey returns what two spellings of a name have in common.
func nameKey(name string) string {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(name, "."))
}

// add returns the host of that name, which is none of the plan, with the flags of the command line. Whoever calls it has made sure that
// the operator lets credentials go there. It asks nobody for anything.
func (p *plan) add(ctx context.Context, name string) (*plannedHost, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	arg := name
	if strings.Contains(name, ":") {
		arg = "[" + name + "]"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.added[nameKey(name)]; h != nil {
		return h, nil
	}
	l := &listed{arg: arg}
	h, err := p.host(l)
	if err != nil {
		return nil, err
	}
	h.target.key = strings.ToLower(h.target.label)
	if err := p.login(h); err != nil {
		return nil, err
	}
	p.added[nameKey(name)] = h
	return h, nil
}

// open returns a session with h. It sends nothing.
func (p *plan) open(h *plannedHost) (*session, error) {
	s := &session{
		app: p.voice(h), plan: p,
		flags: h.flags, target: h.target, method: h.method, unusable: h.unusable,
	}
	if h.unusable == nil {
		cfg, err := p.config(h)
		if err != nil {
			return nil, err
		}
		if h.credential != "" {
			s.gate = &gate{breaker: p.breaker, host: h.fleetHost()}
			cfg.Admit = s.gate.admit
		}
		if err := s.connect(cfg); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// voice returns the app as h speaks by it: with many hosts each line says which one it is about.
func (p *plan) voice(h *plannedHost) *app {
	a := *p.app
	if p.many {
		a.speaker = h.target.label + ": "
	}
	return &a
}

// close overwrites the tickets. Nothing is asked of the plan's sessions after it.
func (p *plan) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, source := range p.kerberos {
		if source.kerberos != nil {
			_ = source.kerberos.Close() // always nil
		}
	}
}
