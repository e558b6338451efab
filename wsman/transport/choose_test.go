package transport_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// chosenAt is the time of the choices below.
var chosenAt = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// ticketFile returns a ticket cache of user in CORP.EXAMPLE with tickets for services that end the given time after chosenAt; TGT
// stands for that of the realm.
func ticketFile(user string, services map[string]time.Duration) string {
	const realm = "CORP.EXAMPLE"
	c := &krb5.CCache{Principal: krb5.Principal{NameType: krb5.NameTypePrincipal, Components: strings.Split(user, "/"), Realm: realm}}
	for name, ends := range services {
		server := krb5.Principal{NameType: krb5.NameTypeService, Components: strings.Split(name, "/"), Realm: realm}
		if name == "TGT" {
			server = krb5.TGS(realm, realm)
		}
		c.Credentials = append(c.Credentials, &krb5.Credential{
			Client: c.Principal, Server: server, Key: krb5.Key{EType: krb5.ETypeAES128SHA1, Value: make([]byte, 16)},
			AuthTime: chosenAt.Add(-10 * time.Hour), StartTime: chosenAt.Add(min(ends, 0) - time.Hour), EndTime: chosenAt.Add(ends), Ticket: []byte{1},
		})
	}
	return string(c.Encode())
}

// credentialFiles are what the choices below find, in a folder that their texts call $DIR.
func credentialFiles() map[string]string {
	const hour = time.Hour
	corp := "[realms]\nCORP.EXAMPLE = {\nkdc = dc1\n}\n"
	cache := "[libdefaults]\ndefault_ccache_name = FILE:$DIR/"
	return map[string]string{
		"valid":    ticketFile("me", map[string]time.Duration{"TGT": hour}),
		"expired":  ticketFile("me", map[string]time.Duration{"TGT": -hour}),
		"service":  ticketFile("me", map[string]time.Duration{"HTTP/hv01": hour}),
		"outdated": ticketFile("me", map[string]time.Duration{"HTTP/hv01": -hour}),
		"both":     ticketFile("me", map[string]time.Duration{"HTTP/hv01": hour, "TGT": -hour}),
		"rc4":      strings.ReplaceAll(ticketFile("me", map[string]time.Duration{"TGT": hour}), "\x00\x11\x00\x00\x00\x10", "\x00\x17\x00\x00\x00\x10"),
		"void":     ticketFile("me", nil),
		"strange":  ticketFile("m\x1b[2Je", map[string]time.Duration{"TGT": hour}),
		"cut":      ticketFile("me", map[string]time.Duration{"TGT": hour})[:60],
		"novel":    "It was a dark and stormy night.",

		"conf":       cache + "none\n" + corp,
		"realm":      cache + "none\ndefault_realm = CORP.EXAMPLE\n",
		"confvalid":  cache + "valid\n" + corp,
		"confwrong":  "[libdefaults]\nx\n",
		"conftoken":  "[libdefaults]\ndefault_ccache_name = FILE:%{what}\n",
		"confclosed": "[libdefaults]\ndefault_ccache_name = FILE:%{uid\n",
	}
}

// A choiceRow is what is known, and what comes of it.
type choiceRow struct {
	facts  transport.AuthFacts
	ccache string // $KRB5CCNAME
	conf   string // $KRB5_CONFIG; if empty, $DIR/conf
	want   transport.Choice
	fix    string // in the text of NoTicket
	err    string // the whole text
}

// test runs choose under the row. In all texts $DIR is dir.
func (r *choiceRow) test(t *testing.T, dir string, choose func(*transport.AuthFacts) (*transport.Choice, error)) {
	t.Helper()
	expand := func(s string) string { return strings.ReplaceAll(s, "$DIR", dir) }
	conf := r.conf
	if conf == "" {
		conf = "$DIR/conf"
	}
	t.Setenv("KRB5_CONFIG", expand(conf))
	t.Setenv("KRB5CCNAME", expand(r.ccache))
	facts, want := r.facts, r.want
	facts.CCache, facts.Keytab = expand(facts.CCache), expand(facts.Keytab)
	want.CCache, want.Keytab, want.Reason = expand(want.CCache), expand(want.Keytab), expand(want.Reason)
	facts.Clock = func() time.Time { return chosenAt }
	got, err := choose(&facts)
	if r.err != "" {
		if err == nil || err.Error() != expand(r.err) || got != nil {
			t.Errorf("got  %v, error %v\nwant %s", got, err, expand(r.err))
		}
		if _, ok := errors.AsType[*transport.CredentialError](err); !ok {
			t.Errorf("%T is no CredentialError", err)
		}
		return
	}
	if err != nil {
		t.Fatalf("error %v, want %+v", err, want)
	}
	if e, ok := errors.AsType[*transport.CredentialError](got.NoTicket); got.NoTicket != nil && (!ok || !got.Password || !strings.Contains(got.Reason, e.Source)) {
		t.Errorf("NoTicket: %v, want what Reason says", got.NoTicket)
	}
	if r.fix != "" && (got.NoTicket == nil || !strings.Contains(got.NoTicket.Error(), expand(r.fix))) {
		t.Errorf("NoTicket: %v, want %q in it", got.NoTicket, expand(r.fix))
	}
	got.NoTicket = nil
	if d := cmp.Diff(want, *got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// folder writes the files and returns the folder.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range credentialFiles() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "$DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ntlm(reason string) transport.Choice {
	return transport.Choice{Auth: transport.AuthNTLM, Mechanism: "NTLM", Reason: reason, Password: true}
}

func byCache(path, reason string) transport.Choice {
	return transport.Choice{Auth: transport.AuthNegotiate, Mechanism: "Kerberos", Reason: reason, CCache: path}
}

func byPassword(reason string) transport.Choice {
	return transport.Choice{Auth: transport.AuthNegotiate, Mechanism: "Kerberos", Reason: reason, Password: true}
}

// TestChoose is the table of the choice, in the order of its steps.
func TestChoose(t *testing.T) {
	type facts = transport.AuthFacts
	const mine, noSuchFile = "$DIR/valid holds a ticket of me@CORP.EXAMPLE", "no such file or directory"
	dir := folder(t)
	for _, tt := range []struct {
		name string
		choiceRow
	}{
		{"1 certificate", choiceRow{
			facts: facts{Host: "hv01", User: `CORP\me`, ClientCertificate: true, Keytab: "$DIR/keytab"}, conf: "$DIR/confwrong",
			want: transport.Choice{Auth: transport.AuthCertificate, Mechanism: "certificate", Reason: "a client certificate is given"},
		}},
		{"2 keytab", choiceRow{
			facts: facts{Host: "10.0.0.5", User: "bot", Keytab: "$DIR/keytab"},
			want:  transport.Choice{Auth: transport.AuthNegotiate, Mechanism: "Kerberos", Reason: "a keytab is given", Keytab: "$DIR/keytab"},
		}},
		{"2 cache", choiceRow{facts: facts{Host: "10.0.0.5", CCache: "$DIR/valid"}, want: byCache("$DIR/valid", mine)}},
		{"2 cache of kind FILE", choiceRow{facts: facts{Host: "hv01", User: "me", CCache: "FILE:$DIR/valid"}, want: byCache("$DIR/valid", mine)}},
		{"2 cache with a ticket for a service only", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/service"}, want: byCache("$DIR/service", "$DIR/service holds a ticket of me@CORP.EXAMPLE"),
		}},
		{"2 cache with a ticket for a service, and an expired one", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/both"}, want: byCache("$DIR/both", "$DIR/both holds a ticket of me@CORP.EXAMPLE"),
		}},
		{"2 cache expired", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/expired"},
			err: "$DIR/expired: the ticket of me@CORP.EXAMPLE expired at 2026-01-02 11:00:00 UTC; " +
				"run: kinit -c FILE:$DIR/expired me@CORP.EXAMPLE; export KRB5CCNAME=FILE:$DIR/expired",
		}},
		{"2 cache with an expired ticket for a service", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/outdated"}, ccache: "$DIR/outdated",
			err: "$DIR/outdated: the ticket of me@CORP.EXAMPLE expired at 2026-01-02 11:00:00 UTC; run: kinit -c FILE:$DIR/outdated me@CORP.EXAMPLE",
		}},
		{"2 cache without tickets", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/void"}, ccache: "FILE:$DIR/void",
			err: "$DIR/void: it holds no ticket-granting ticket; run: kinit -c FILE:$DIR/void",
		}},
		{"2 cache missing", choiceRow{
			facts: facts{Host: "hv01", User: "me@corp.example", CCache: "$DIR/missing"},
			err:   "$DIR/missing: " + noSuchFile + "; run: kinit -c FILE:$DIR/missing me@CORP.EXAMPLE; export KRB5CCNAME=FILE:$DIR/missing",
		}},
		{"2 cache cut", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/cut"},
			err: "$DIR/cut: not a sound ticket cache: octet 58: truncated: a field of 4 octets, of which 2 are there; " +
				"run: kinit -c FILE:$DIR/cut; export KRB5CCNAME=FILE:$DIR/cut",
		}},
		{"2 not a cache", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/novel"}, err: "$DIR/novel: not a sound ticket cache: octet 0: not a ticket cache",
		}},
		{"2 another's cache", choiceRow{
			facts: facts{Host: "hv01", User: "you@CORP.EXAMPLE", CCache: "$DIR/valid"},
			err:   "$DIR/valid: it holds tickets of me@CORP.EXAMPLE, not of you@CORP.EXAMPLE",
		}},
		{"2 another's cache, of a strange name", choiceRow{
			facts: facts{Host: "hv01", User: "me", CCache: "$DIR/strange"},
			err:   `$DIR/strange: it holds tickets of "m\x1b[2Je@CORP.EXAMPLE", not of me`,
		}},
		{"2 cache and keytab", choiceRow{
			facts: facts{Host: "hv01", CCache: "$DIR/valid", Keytab: "$DIR/keytab"}, err: "$DIR/keytab: a keytab and a ticket cache exclude each other",
		}},
		{"2 KDC, and a ticket", choiceRow{facts: facts{Host: "10.0.0.5", User: "me", KDCs: []string{"dc1"}}, ccache: "$DIR/valid", want: byCache("$DIR/valid", mine)}},
		{"2 KDC, and a realm", choiceRow{facts: facts{Host: "10.0.0.5", User: "me@x", KDCs: []string{"dc1"}}, want: byPassword("a KDC is given; no ticket in $DIR/none")}},
		{"2 KDC, and the default realm", choiceRow{
			facts: facts{Host: "hv01", User: "me", KDCs: []string{"dc1"}}, conf: "$DIR/realm", want: byPassword("a KDC is given; no ticket in $DIR/none"),
		}},
		{"2 KDC without a realm", choiceRow{
			facts: facts{Host: "hv01", User: "me", KDCs: []string{"dc1"}}, err: "$DIR/conf: there is no default_realm, and me names no realm",
		}},
		{"2 KDC without a user", choiceRow{
			facts: facts{Host: "hv01", KDCs: []string{"dc1"}},
			err: "no user is named, and no ticket can be used: $DIR/none: " + noSuchFile + "; " +
				"run: kinit -c FILE:$DIR/none; export KRB5CCNAME=FILE:$DIR/none",
		}},
		{"2 before 3", choiceRow{facts: facts{Host: "hv01", User: `CORP\me`, KDCs: []string{"dc1"}}, want: byPassword("a KDC is given; no ticket in $DIR/none")}},

		{"3 domain", choiceRow{facts: facts{Host: "10.0.0.5", User: `CORP\me`}, ccache: "$DIR/valid", conf: "$DIR/confwrong", want: ntlm(`CORP\me names a Windows domain`)}},
		{"3 local", choiceRow{facts: facts{Host: "hv01", User: `.\me`}, ccache: "$DIR/valid", want: ntlm(`.\me is an account of the host itself`)}},

		{"4 address", choiceRow{facts: facts{Host: "10.0.0.5", User: "me@CORP.EXAMPLE"}, ccache: "$DIR/valid", conf: "$DIR/confwrong", want: ntlm("10.0.0.5 is an IP address")}},
		{"4 address of IPv6", choiceRow{facts: facts{Host: "fe80::1%eth0", User: "me"}, ccache: "$DIR/valid", want: ntlm("fe80::1%eth0 is an IP address")}},

		{"5 nobody named", choiceRow{facts: facts{Host: "hv01"}, ccache: "FILE:$DIR/valid", want: byCache("$DIR/valid", mine)}},
		{"5 nobody named, address", choiceRow{facts: facts{Host: "10.0.0.5"}, ccache: "FILE:$DIR/valid", want: byCache("$DIR/valid", mine)}},
		{"5 user", choiceRow{facts: facts{Host: "hv01", User: "me"}, ccache: "$DIR/valid", want: byCache("$DIR/valid", mine)}},
		{"5 user and realm", choiceRow{facts: facts{Host: "hv01", User: "me@corp.example"}, ccache: "$DIR/valid", want: byCache("$DIR/valid", mine)}},
		{"5 by krb5.conf", choiceRow{facts: facts{Host: "hv01"}, conf: "$DIR/confvalid", want: byCache("$DIR/valid", mine)}},
		{"5 by the second krb5.conf", choiceRow{facts: facts{Host: "hv01"}, conf: "$DIR/missing:$DIR/confvalid:$DIR/conf", want: byCache("$DIR/valid", mine)}},

		{"6 realm", choiceRow{
			facts: facts{Host: "hv01", User: "me@corp.example"}, want: byPassword("$DIR/conf names a KDC of CORP.EXAMPLE; no ticket in $DIR/none"),
		}},
		{"6 expired ticket", choiceRow{
			facts: facts{Host: "hv01", User: "me@CORP.EXAMPLE"}, ccache: "$DIR/expired",
			want: byPassword("$DIR/conf names a KDC of CORP.EXAMPLE; $DIR/expired: the ticket of me@CORP.EXAMPLE expired at 2026-01-02 11:00:00 UTC"),
			fix:  "run: kinit -c FILE:$DIR/expired me@CORP.EXAMPLE",
		}},
		{"6 ticket of RC4", choiceRow{
			facts: facts{Host: "hv01", User: "me@CORP.EXAMPLE"}, ccache: "$DIR/rc4",
			want: byPassword("$DIR/conf names a KDC of CORP.EXAMPLE; $DIR/rc4: the key of the ticket of me@CORP.EXAMPLE is of encryption type 23, not one of AES (17 to 20)"),
		}},
		{"6 another's ticket", choiceRow{
			facts: facts{Host: "hv01", User: "you@CORP.EXAMPLE"}, ccache: "$DIR/valid",
			want: byPassword("$DIR/conf names a KDC of CORP.EXAMPLE; $DIR/valid: it holds tickets of me@CORP.EXAMPLE, not of you@CORP.EXAMPLE"),
		}},

		{"6 with a password, not the ticket", choiceRow{
			facts: facts{Host: "hv01", User: "me@corp.example", PasswordGiven: true}, ccache: "$DIR/valid",
			want: byPassword("$DIR/conf names a KDC of CORP.EXAMPLE; a password is given"),
		}},
		{"7 with a password, not the ticket", choiceRow{
			facts: facts{Host: "hv01", User: "me", PasswordGiven: true}, ccache: "$DIR/valid", want: ntlm("a password is given, and me names no realm"),
		}},
		{"2 a ticket that was named, in spite of a password", choiceRow{
			facts: facts{Host: "hv01", User: "me", CCache: "$DIR/valid", PasswordGiven: true}, want: byCache("$DIR/valid", mine),
		}},
		{"7 no realm", choiceRow{facts: facts{Host: "hv01", User: "me"}, want: ntlm("no ticket in $DIR/none, and me names no realm")}},
		{"7 no KDC", choiceRow{
			facts: facts{Host: "hv01", User: "me@lab.example"}, want: ntlm("no ticket in $DIR/none, and $DIR/conf names no KDC of LAB.EXAMPLE"),
		}},
		{"7 a ticket for a service only", choiceRow{
			facts: facts{Host: "hv01", User: "me"}, ccache: "$DIR/service", want: ntlm("$DIR/service: it holds no ticket-granting ticket, and me names no realm"),
		}},
		{"7 another kind", choiceRow{
			facts: facts{Host: "hv01", User: "me"}, ccache: "KCM:1000",
			want: ntlm("KCM:1000: not a file, and only ticket caches of the kind FILE can be read, and me names no realm"),
			fix:  "run: kinit -c FILE:",
		}},
		{"7 no krb5.conf", choiceRow{
			facts: facts{Host: "hv01", User: "me@CORP.EXAMPLE"}, ccache: "$DIR/none", conf: "$DIR/missing",
			want: ntlm("no ticket in $DIR/none, and $DIR/missing names no KDC of CORP.EXAMPLE"),
		}},
		{"7 a name with control characters", choiceRow{
			facts: facts{Host: "hv01", User: "me\n\u202e"}, want: ntlm(`no ticket in $DIR/none, and "me\n\u202e" names no realm`),
		}},
		{"krb5.conf cannot be read", choiceRow{
			facts: facts{Host: "hv01", User: "me"}, conf: "$DIR/confwrong", err: `$DIR/confwrong: line 2: "x" is neither a section nor TAG = VALUE`,
		}},
		{"krb5.conf that was named is missing", choiceRow{
			facts: facts{Host: "hv01", User: "me", ConfPath: dir + "/missing"}, err: "$DIR/missing: " + noSuchFile,
		}},

		{"8 no ticket", choiceRow{
			facts: facts{Host: "hv01"},
			err: "no user is named, and no ticket can be used: $DIR/none: " + noSuchFile + "; " +
				"run: kinit -c FILE:$DIR/none; export KRB5CCNAME=FILE:$DIR/none",
		}},
		{"8 expired", choiceRow{
			facts: facts{Host: "hv01"}, ccache: "$DIR/expired",
			err: "no user is named, and no ticket can be used: $DIR/expired: the ticket of me@CORP.EXAMPLE expired at 2026-01-02 11:00:00 UTC; " +
				"run: kinit -c FILE:$DIR/expired me@CORP.EXAMPLE",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, dir, transport.Choose) })
	}
}

// TestChooseMechanism: Kerberos or SPNEGO was asked for.
func TestChooseMechanism(t *testing.T) {
	type facts = transport.AuthFacts
	kerberos := func(c transport.Choice) transport.Choice {
		c.Auth = transport.AuthKerberos
		return c
	}
	negotiated := func(c transport.Choice) transport.Choice {
		c.Auth = transport.AuthNegotiate
		return c
	}
	const mine = "$DIR/valid holds a ticket of me@CORP.EXAMPLE"
	dir := folder(t)
	for _, tt := range []struct {
		name string
		auth transport.Auth
		choiceRow
	}{
		{"ticket", transport.AuthKerberos, choiceRow{facts: facts{Host: "10.0.0.5", User: "me"}, ccache: "$DIR/valid", want: kerberos(byCache("$DIR/valid", mine))}},
		{"keytab", transport.AuthKerberos, choiceRow{
			facts: facts{Host: "hv01", Keytab: "$DIR/keytab"},
			want:  transport.Choice{Auth: transport.AuthKerberos, Mechanism: "Kerberos", Reason: "a keytab is given", Keytab: "$DIR/keytab"},
		}},
		{"a realm without a KDC", transport.AuthKerberos, choiceRow{
			facts: facts{Host: "hv01", User: "me@LAB.EXAMPLE"}, want: kerberos(byPassword("no ticket in $DIR/none")),
		}},
		{"the default realm", transport.AuthKerberos, choiceRow{
			facts: facts{Host: "hv01", User: "me"}, conf: "$DIR/realm", want: kerberos(byPassword("no ticket in $DIR/none")),
		}},
		{"no realm", transport.AuthKerberos, choiceRow{
			facts: facts{Host: "hv01", User: "me"}, err: "$DIR/conf: there is no default_realm, and me names no realm",
		}},
		{"a token of krb5.conf that is unknown", transport.AuthKerberos, choiceRow{
			facts: facts{Host: "hv01"}, conf: "$DIR/conftoken",
			err: `no user is named, and no ticket can be used: default_ccache_name: %{what} in "FILE:%{what}" is unknown`,
		}},
		{"a token of krb5.conf that is not closed", transport.AuthKerberos, choiceRow{
			facts: facts{Host: "hv01"}, conf: "$DIR/confclosed",
			err: `no user is named, and no ticket can be used: default_ccache_name: a brace of "FILE:%{uid" is not closed`,
		}},
		{"NTLM within SPNEGO", transport.AuthNegotiate, choiceRow{facts: facts{Host: "hv01", User: `CORP\me`}, want: negotiated(ntlm(`CORP\me names a Windows domain`))}},
		{"Kerberos within SPNEGO", transport.AuthNegotiate, choiceRow{facts: facts{Host: "hv01"}, ccache: "$DIR/valid", want: byCache("$DIR/valid", mine)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.test(t, dir, func(f *transport.AuthFacts) (*transport.Choice, error) { return transport.ChooseMechanism(f, tt.auth) })
		})
	}
	if c, err := transport.ChooseMechanism(&transport.AuthFacts{User: "me"}, transport.AuthBasic); err == nil {
		t.Errorf("ChooseMechanism for basic = %v", c)
	}
}
