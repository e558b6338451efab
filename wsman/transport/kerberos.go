package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

const (
	// maxReferrals bounds the realms on the way from the user's to the host's.
	maxReferrals = 5
	// renewBefore is how long before its end a ticket that we can get anew is not used any more.
	renewBefore = 2 * time.Minute
)

// KerberosConfig configures a [Kerberos]. The tickets come from one source: CCache if it is set, else Keytab, else Password.
type KerberosConfig struct {
	// User is user@REALM, or user of the realm that krb5.conf takes for its own. The realm is made upper-case. It may be
	// empty with CCache, whose user it is then, and with a Keytab that has the keys of one user only.
	User     string
	Password Secret
	// CCache is the path of a ticket cache, as kinit writes it. FILE: may stand before it.
	CCache string
	// Keytab is the path of a file with the user's keys. FILE: may stand before it.
	Keytab string
	// ConfPath is the path of krb5.conf. If empty, $KRB5_CONFIG, else /etc/krb5.conf.
	ConfPath string
	// KDCs are HOST or HOST:PORT of the KDCs of the user's realm. They replace those of krb5.conf and DNS.
	KDCs []string
	// Timeout is how long one KDC has for its answer. If zero, 5 seconds.
	Timeout time.Duration
	// DialContext opens TCP connections to KDCs. If nil, a net.Dialer does.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// LookupSRV asks DNS; the name ends in a dot. If nil, net.DefaultResolver does.
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	// Clock is the time that tickets are compared with. If nil, time.Now.
	Clock func() time.Time
}

// A Kerberos is a user with tickets, or with what gets them from a KDC. Any number of transports may share it, at the same time: the
// user is authenticated once. A password or key that a KDC refused is not sent again.
type Kerberos struct {
	cfg      KerberosConfig
	conf     *krb5.Conf
	user     krb5.Principal
	userName string

	mu      sync.Mutex
	closed  bool
	keys    []krb5.ServiceKey
	ccache  *krb5.CCache
	kept    map[string]*krb5.Credential // by what was asked for
	flights map[string]*flight
	found   map[string][]string // addresses of KDCs by realm, the one to ask first in front
	refused error
}

// NewKerberos returns a Kerberos that uses cfg. It reads the files and sends nothing. A [*CredentialError] says that the ticket cache,
// the keytab or krb5.conf cannot be used.
func NewKerberos(cfg KerberosConfig) (*Kerberos, error) {
	switch {
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("transport: KerberosConfig.Timeout %v is negative", cfg.Timeout)
	case strings.Contains(cfg.User, `\`):
		return nil, &CredentialError{Source: cfg.User, Err: errors.New("a name for NTLM; Kerberos wants user@REALM")}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultKDCTimeout
	}
	if cfg.DialContext == nil {
		cfg.DialContext = new(net.Dialer).DialContext
	}
	if cfg.LookupSRV == nil {
		cfg.LookupSRV = net.DefaultResolver.LookupSRV
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cfg.KDCs = slices.Clone(cfg.KDCs)
	conf, err := readKrb5Conf(cfg.ConfPath)
	if err != nil {
		return nil, err
	}
	k := &Kerberos{
		cfg: cfg, conf: conf,
		kept: map[string]*krb5.Credential{}, flights: map[string]*flight{}, found: map[string][]string{},
	}
	switch {
	case cfg.CCache != "":
		err = k.useCCache()
	case cfg.Keytab != "":
		k.cfg.Keytab = strings.TrimPrefix(cfg.Keytab, "FILE:")
		if k.keys, err = readKeytab(k.cfg.Keytab); err == nil {
			k.user, k.keys, err = keytabClient(k.cfg.Keytab, k.keys, cfg.User)
		}
	default:
		err = k.usePassword()
	}
	if err != nil {
		return nil, err
	}
	k.userName = k.user.String()
	return k, nil
}

// useCCache reads the ticket cache, which must be the user's if one is named.
func (k *Kerberos) useCCache() error {
	path, err := ccachePath(k.cfg.CCache, k.conf, k.cfg.User)
	if err != nil {
		return err
	}
	k.cfg.CCache = path
	if k.ccache, err = readCCache(path); err != nil {
		return err
	}
	k.user = k.ccache.Principal
	if k.cfg.User != "" && !isUser(k.user, k.cfg.User) {
		return ticketsOfOther(path, k.user, k.cfg.User)
	}
	return nil
}

// usePassword finds the user's realm.
func (k *Kerberos) usePassword() error {
	name, realm := splitPrincipal(k.cfg.User)
	switch {
	case name == "" || k.cfg.Password.IsZero():
		return errors.New("transport: KerberosConfig needs a ticket cache, a keytab, or a user with a password")
	case realm == "" && k.conf.DefaultRealm == "":
		return &CredentialError{
			Source: k.cfg.User, Err: fmt.Errorf("it names no realm, and %s has no default_realm", printable(krb5ConfName(k.cfg.ConfPath))), NoRealm: true,
		}
	case realm == "":
		realm = k.conf.DefaultRealm
	}
	k.user = krb5.Principal{NameType: krb5.NameTypePrincipal, Components: strings.Split(name, "/"), Realm: realm}
	return nil
}

// User returns the principal, such as me@CORP.EXAMPLE.
func (k *Kerberos) User() string { return k.userName }

// Format says whose tickets these are, and no key, for every verb.
func (k *Kerberos) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "Kerberos of %s", k.userName) }

// Close overwrites the keys and the tickets. Requests after it fail with net.ErrClosed. The error is always nil.
func (k *Kerberos) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for _, c := range k.kept {
		destroy(c)
	}
	k.kept = nil
	k.forgetCCache()
	destroyKeys(k.keys)
	k.keys = nil
	return nil
}

// forgetCCache overwrites what was read from the ticket cache; k.mu is held.
func (k *Kerberos) forgetCCache() {
	if k.ccache == nil {
		return
	}
	for _, c := range k.ccache.Credentials {
		destroy(c)
	}
	k.ccache = nil
}

func destroy(c *krb5.Credential) {
	c.Destroy()
	clear(c.Ticket)
}

func destroyKeys(keys []krb5.ServiceKey) {
	for _, k := range keys {
		clear(k.Key.Value)
	}
}

// clone returns a copy that Close does not overwrite.
func clone(c *krb5.Credential) *krb5.Credential {
	d := *c
	d.Key.Value = slices.Clone(c.Key.Value)
	d.Ticket = slices.Clone(c.Ticket)
	return &d
}

// errClosed says that Close was called.
func errClosed() error { return fmt.Errorf("transport: Kerberos: %w", net.ErrClosed) }

// credential returns a ticket for the first of spns that there is, such as HTTP/hv01. One in the ticket cache needs no KDC. The caller owns it.
func (k *Kerberos) credential(ctx context.Context, spns []string) (*krb5.Credential, error) {
	return k.credentialFor(ctx, services(spns), nil)
}

// credentialFor is credential, and tells tried of each of servers that the KDCs are asked for. Nothing is told of a ticket that was there.
func (k *Kerberos) credentialFor(
	ctx context.Context, servers []krb5.Principal, tried func(krb5.Principal, error),
) (*krb5.Credential, error) {
	if c := k.fromCCache(servers); c != nil {
		return c, nil
	}
	var names []string
	for _, s := range servers {
		names = append(names, s.String())
	}
	return k.once(ctx, "for "+strings.Join(names, " "), func() (*krb5.Credential, error) { return k.firstOf(ctx, servers, tried) })
}

// services returns the principals of spns, which are names such as HTTP/hv01, with a realm or without.
func services(spns []string) []krb5.Principal {
	servers := make([]krb5.Principal, 0, len(spns))
	for _, spn := range spns {
		name, realm := splitPrincipal(spn)
		servers = append(servers, krb5.Principal{
			NameType: krb5.NameTypeService, Components: strings.Split(name, "/"), Realm: realm,
		})
	}
	return servers
}

// fromCCache returns a usable ticket for one of servers from the ticket cache, or nil.
func (k *Kerberos) fromCCache(servers []krb5.Principal) *krb5.Credential {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ccache == nil {
		return nil
	}
	now := k.cfg.Clock()
	for _, server := range servers {
		if c := k.ccache.Find(server, now); usable(c, now) {
			return clone(c)
		}
	}
	return nil
}

// usable tells whether c is a ticket that serves at now.
func usable(c *krb5.Credential, now time.Time) bool {
	return c != nil && c.Key.Taken() && c.ValidAt(now)
}

// A flight is the getting of a ticket that others wait for, too.
type flight struct {
	done      chan struct{}
	err       error
	abandoned bool // the one who was getting it gave up
}

// once returns the ticket that is kept under key, or gets it. Of those who ask at the same time one gets it, and all have its answer.
func (k *Kerberos) once(ctx context.Context, key string, get func() (*krb5.Credential, error)) (*krb5.Credential, error) {
	for {
		f, kept, err := k.join(key)
		switch {
		case err != nil:
			return nil, err
		case kept != nil:
			return kept, nil
		case f == nil:
			return k.fly(ctx, key, get)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a ticket: %w", ctx.Err())
		case <-f.done:
		}
		if f.err != nil && !f.abandoned {
			return nil, f.err
		}
	}
}

// join returns the kept ticket, or the flight of another to wait for. With neither it has entered one for the caller.
func (k *Kerberos) join(key string) (f *flight, kept *krb5.Credential, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, nil, errClosed()
	}
	if c := k.kept[key]; c != nil {
		if k.fresh(c) {
			return nil, clone(c), nil
		}
		destroy(c)
		delete(k.kept, key)
	}
	if f := k.flights[key]; f != nil {
		return f, nil, nil
	}
	k.flights[key] = &flight{done: make(chan struct{})}
	return nil, nil, nil
}

// fresh tells that c is not near its end.
func (k *Kerberos) fresh(c *krb5.Credential) bool {
	margin := min(renewBefore, c.EndTime.Sub(c.AuthTime)/4)
	return k.cfg.Clock().Before(c.EndTime.Add(-margin))
}

// fly gets the ticket of the flight that join has entered, and ends it.
func (k *Kerberos) fly(ctx context.Context, key string, get func() (*krb5.Credential, error)) (*krb5.Credential, error) {
	c, err := get()
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.flights[key]
	delete(k.flights, key)
	defer close(f.done)
	f.err = err
	if err != nil {
		f.abandoned = ended(ctx) != nil
		return nil, err
	}
	if k.closed {
		destroy(c)
		f.err = errClosed()
		return nil, f.err
	}
	k.kept[key] = c
	return clone(c), nil
}
