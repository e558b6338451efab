package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A choiceKey is what a method depends on, besides the flags of all hosts.
type choiceKey struct {
	address    bool // the host is named by one
	user, auth string
}

// A choice is a method that was chosen, and what there is to say against it.
type choice struct {
	method *method
	clear  *method // the same, not to be sealed and over http; nil until somebody needs it
	err    error
}

// inClear returns the method as it is over http when nothing is to be sealed.
func (c *choice) inClear() *method {
	if c.clear == nil {
		m := *c.method
		m.clear = true
		c.clear = &m
	}
	return c.clear
}

// choose returns the method for a host, with a look at tickets and krb5.conf only where none was taken for a host like it.
func (p *plan) choose(f *connectionFlags, host string) *choice {
	key := choiceKey{(&target{name: host}).isAddress(), f.user, f.auth}
	if c := p.chosen[key]; c != nil {
		return c
	}
	c := &choice{}
	c.method, c.err = f.choose(host)
	if !key.address || c.method == nil || !strings.Contains(c.method.Reason, host) { // else it is about this host alone, and no file was read
		p.chosen[key] = c
	}
	return c
}

// flagsOf returns the flags for a host with the override o.
func (p *plan) flagsOf(o override) *connectionFlags {
	if o == (override{}) {
		return p.flags
	}
	c := p.copies[o]
	if c == nil {
		c = p.flags.override(&o)
		p.copies[o] = c
	}
	return c
}

// override returns a copy of f for a host with the override o, which beats all flags that say the same or do not go with it.
func (f *connectionFlags) override(o *override) *connectionFlags {
	c := *f
	c.typed, c.preset, c.overridden = maps.Clone(f.typed), maps.Clone(f.preset), map[string]string{}
	set := func(flag, word string) {
		c.typed[flag], c.overridden[flag] = true, word
		delete(c.preset, flag)
	}
	if o.port != 0 {
		c.port = o.port
		set("port", o.word("port"))
	}
	if o.https != "" {
		c.drop("http", "https")
		c.https = o.https == "true"
		c.http = !c.https
		set("https", "https="+o.https)
		c.overridden["http"] = "https=" + o.https
		if c.http {
			c.drop(append(tlsFlags(), "client-cert", "client-key")...)
		}
	}
	if o.user != "" {
		c.user = o.user
		set("user", o.word("user"))
		c.drop("client-cert", "client-key")
		if strings.Contains(o.user, `\`) {
			c.drop(kerberosFlags()...)
		}
	}
	if o.auth != "" {
		c.auth = o.auth
		set("auth", o.word("auth"))
		c.drop(unsuited(o.auth)...)
	}
	if o.spn != "" {
		c.spn = o.spn
		set("spn", o.word("spn"))
	}
	return &c
}

// drop takes back what was said by flags, for one host.
func (f *connectionFlags) drop(names ...string) {
	texts := map[string]*string{
		"user": &f.user, "spn": &f.spn, "ccache": &f.ccache, "keytab": &f.keytab,
		"ca-file": &f.caFile, "tls-server-name": &f.tlsServerName, "client-cert": &f.clientCert, "client-key": &f.clientKey,
	}
	for _, name := range names {
		if text := texts[name]; text != nil {
			*text = ""
		}
		switch name {
		case "http":
			f.http = false
		case "https":
			f.https = false
		case "kdc":
			f.kdcs = nil
		case "tls-pin":
			f.tlsPins = nil
		case "insecure":
			f.insecure = false
		case "seal":
			f.seal = sealAlways
		}
		delete(f.typed, name)
		delete(f.preset, name)
	}
}

// A kerberosKey tells users with tickets apart.
type kerberosKey struct{ user, ccache, keytab string }

// realmUpper writes the realm of a principal as Kerberos is asked for it (DESIGN: Users). The name itself may differ by case.
func realmUpper(user string) string {
	name, realm, ok := cutLast(user, "@")
	if !ok {
		return user
	}
	return name + "@" + strings.ToUpper(realm)
}

// A kerberosSource is what gets the tickets of one user for all hosts, or why nothing does.
type kerberosSource struct {
	kerberos *transport.Kerberos
	err      error
}

// prepare reads the files about TLS, asks for the password if anybody needs one, and finds what would keep every session from being
// opened.
func (p *plan) prepare(ctx context.Context) error {
	if err := p.flags.readTLS(ctx, slices.ContainsFunc(p.all, func(h *plannedHost) bool {
		return h.method.Auth == transport.AuthCertificate
	})); err != nil {
		return err
	}
	for _, c := range p.copies {
		c.pair = p.flags.pair
		if c.caFile != "" {
			c.roots = p.flags.roots
		}
	}
	if err := p.flags.fillTLS(&transport.Config{}); err != nil {
		return err
	}
	if err := p.askPassword(ctx); err != nil {
		return err
	}
	for _, h := range p.all { // also of other shards: a migration may lead there
		if len(p.hosts) == 0 {
			break
		}
		if err := p.login(h); err != nil {
			return err
		}
	}
	if p.flags.trace != "" && len(p.hosts) > 0 {
		if err := makeTrace(p.flags.trace); err != nil {
			return &usageError{p.flags.origin("trace") + ": " + err.Error()}
		}
	}
	return p.rehearse()
}

// askPassword gets the password if a host needs one.
func (p *plan) askPassword(ctx context.Context) error {
	var list []*plannedHost
	users := map[string]bool{}
	basic := false
	for _, h := range p.hosts {
		if h.unusable == nil && h.method.Password {
			list = append(list, h)
			users[h.flags.user] = true
			basic = basic || h.method.Auth == transport.AuthBasic
		}
	}
	if len(list) == 0 {
		return nil
	}
	// Where a ticket was never thought of, that there is none is no reason for anything.
	first := list[max(0, slices.IndexFunc(list, func(h *plannedHost) bool { return h.method.noTicket() == nil }))]
	who, where := safeLine(first.flags.user), first.target.name
	if len(users) > 1 {
		who = countGrouped(len(users), "user")
	}
	if len(list) > 1 {
		where = countGrouped(len(list), "host")
	}
	var err error
	q := &passwordQuestion{flags: p.flags, method: first.method, prompt: fmt.Sprintf("Password of %s at %s: ", who, where)}
	p.password, err = p.app.password(ctx, q)
	if has[*noPasswordError](err) {
		for _, h := range list {
			h.unusable = &noPasswordError{h.method.noTicket()}
		}
		err = nil
	}
	if err == nil && basic && strings.ContainsFunc(p.password.Reveal(), unicode.IsControl) {
		err = &usageError{"the password holds a control character, such as a second line end, which basic cannot carry"}
	}
	return err
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// lacksPassword tells that h needs a password, and nobody has asked for one: no host that was to be asked needed it.
func (p *plan) lacksPassword(h *plannedHost) bool {
	return h.unusable == nil && h.method.Password && p.password.IsZero()
}

// login gives h what gets its tickets, if it is to have some. All hosts of one user share it.
func (p *plan) login(h *plannedHost) error {
	if h.method.Mechanism != transport.MechanismKerberos || h.unusable != nil || p.lacksPassword(h) {
		return nil //nolint:nilerr // h tells it
	}
	m, f := h.method, h.flags
	key := kerberosKey{realmUpper(f.user), m.CCache, m.Keytab}
	source := p.kerberos[key]
	if source == nil {
		source = &kerberosSource{}
		cfg := transport.KerberosConfig{User: f.user, CCache: m.CCache, Keytab: m.Keytab, KDCs: f.kdcs, Timeout: f.connectTimeout}
		if m.Password {
			cfg.Password = p.password
		}
		if source.kerberos, source.err = transport.NewKerberos(cfg); source.err == nil {
			p.app.warnOfKeytab(f, m)
		}
		p.kerberos[key] = source
	}
	switch {
	case source.err == nil:
		h.kerberos = source.kerberos
	case has[*transport.CredentialError](source.err):
		h.unusable = source.err
	default:
		return &usageError{source.err.Error()}
	}
	return nil
}

// config returns the configuration of the transport to h.
func (p *plan) config(h *plannedHost) (*transport.Config, error) {
	if p.lacksPassword(h) {
		return nil, fmt.Errorf("a password is needed for %s, and none was for the other hosts", h.target.name)
	}
	cfg := &transport.Config{Auth: h.method.Auth, Kerberos: h.kerberos, Budget: p.budget}
	if err := h.flags.fill(cfg, h.target); err != nil {
		return nil, err
	}
	if h.method.Password {
		cfg.Password = p.password
		if h.kerberos == nil {
			cfg.User = h.flags.user
		}
	}
	return cfg, nil
}

// rehearse makes a transport for one host of each kind, which shows what is wrong with the environment's proxies, and collects
// what is to be kept out of all texts of the run.
func (p *plan) rehearse() error {
	type kind struct {
		auth  transport.Auth
		https bool
		user  string // whose name stands in the token of Basic
	}
	seen := map[kind]bool{}
	var all redactorSet
	for _, h := range p.hosts {
		k := kind{h.method.Auth, h.target.https, ""}
		if k.auth == transport.AuthBasic {
			k.user = h.flags.user
		}
		if h.unusable != nil || seen[k] {
			continue
		}
		seen[k] = true
		cfg, err := p.config(h)
		if err != nil {
			return err
		}
		t, err := transport.New(*cfg)
		if err != nil {
			return &usageError{err.Error()}
		}
		proxy, _ := t.Proxy()
		all.add(newRedactor(cfg, proxy))
	}
	p.app.secrets = all.list
	return nil
}

// warnOnce warns of something that holds for the run, however many sessions find it.
func (p *plan) warnOnce(text string) {
	p.mu.Lock()
	known := p.warned[text]
	p.warned[text] = true
	p.mu.Unlock()
	if !known {
		p.app.warn("%s", text)
	}
}
