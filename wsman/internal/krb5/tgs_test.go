package krb5_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5/kdctest"
)

// runTGS asks kdc for a ticket for server.
func runTGS(tb testing.TB, kdc *kdctest.KDC, tgt *krb5.Credential, server krb5.Principal) (*krb5.Credential, bool, error) {
	tb.Helper()
	x, err := krb5.NewTGS(krb5.TGSConfig{TGT: tgt, Server: server, Now: clock})
	if err != nil {
		tb.Fatalf("NewTGS: %v", err)
	}
	if x.Realm() != kdc.Realm {
		tb.Fatalf("Realm() = %q, want %q", x.Realm(), kdc.Realm)
	}
	msg, err := x.Request()
	if err != nil {
		tb.Fatalf("Request: %v", err)
	}
	return x.Reply(kdc.Answer(msg))
}

// TestTGS takes the ticket to a service that has its key.
func TestTGS(t *testing.T) {
	t.Parallel()
	for _, etype := range etypes {
		t.Run(fmt.Sprint(etype), func(t *testing.T) {
			t.Parallel()
			kdc := newKDC()
			kdc.ETypes = []int32{etype}
			c, referral, err := runTGS(t, kdc, tgt(t, kdc), krb5.Principal{NameType: 2, Components: service.Components})
			if err != nil || referral || !c.Server.Equal(service) || !c.Client.Equal(client) {
				t.Fatalf("TGS exchange = %v, %v, %v, want a ticket for %v", c, referral, err, service)
			}
			key := kdctest.ServiceKey("HTTP/hv01", etype)
			a := krb5.NewAcceptor(krb5.AcceptorConfig{Keys: []krb5.ServiceKey{{Principal: service, Key: krb5.Key{EType: etype, Value: key.KeyValue}}}, Now: clock})
			shake(t, krb5.NewInitiator(krb5.InitiatorConfig{Credential: c, Now: clock}), a)
			if !a.Client().Equal(client) {
				t.Errorf("the service sees %v, want %v", a.Client(), client)
			}
		})
	}
}

func TestTGSReferral(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	kdc.Referrals = map[string]string{"HTTP/hv02": "EU.EXAMPLE"}
	c, referral, err := runTGS(t, kdc, tgt(t, kdc), krb5.Principal{NameType: 2, Components: []string{"HTTP", "hv02"}})
	if err != nil || !referral || !c.Server.Equal(krb5.TGS("EU.EXAMPLE", client.Realm)) {
		t.Fatalf("TGS exchange = %v, %v, %v, want a referral to EU.EXAMPLE", c, referral, err)
	}
	eu := &kdctest.KDC{Realm: "EU.EXAMPLE", Services: []string{"HTTP/hv02"}, Now: clock}
	c, referral, err = runTGS(t, eu, c, krb5.Principal{NameType: 2, Components: []string{"HTTP", "hv02"}})
	if err != nil || referral || c.Server.String() != "HTTP/hv02@EU.EXAMPLE" || !c.Client.Equal(client) {
		t.Errorf("TGS exchange of the other realm = %v, %v, %v, want a ticket for HTTP/hv02@EU.EXAMPLE", c, referral, err)
	}
	c, referral, err = runTGS(t, kdc, tgt(t, kdc), krb5.TGS("EU.EXAMPLE", client.Realm))
	if err != nil || referral || !c.Server.Equal(krb5.TGS("EU.EXAMPLE", client.Realm)) {
		t.Errorf("TGS exchange = %v, %v, %v, want the ticket for EU.EXAMPLE that was asked for", c, referral, err)
	}
}

func TestTGSRefused(t *testing.T) {
	t.Parallel()
	answerFor := func(name, realm string) func(*kdctest.KDC) {
		return func(k *kdctest.KDC) {
			k.Edit = func(r *messages.KDCRepFields) {
				r.Ticket.SName, r.Ticket.Realm = types.NewPrincipalName(2, name), realm
			}
			k.EditPart = func(p *messages.EncKDCRepPart) { p.SName, p.SRealm = types.NewPrincipalName(2, name), realm }
		}
	}
	for name, test := range map[string]struct {
		kdc    func(*kdctest.KDC)
		tgt    func(*krb5.Credential)
		server string
		code   int32
		want   string // empty: it is granted
	}{
		"granted":             {},
		"letter case":         {kdc: answerFor("http/HV01", client.Realm)},
		"unknown":             {server: "WSMAN/hv01", code: krb5.CodeServerUnknown, want: "KDC_ERR_S_PRINCIPAL_UNKNOWN"},
		"clock":               {kdc: func(k *kdctest.KDC) { k.Now = later(-20 * time.Minute) }, code: krb5.CodeSkew, want: "KRB_AP_ERR_SKEW"},
		"another service":     {kdc: answerFor("HTTP/evil", client.Realm), want: `a ticket for "HTTP/evil@CORP.EXAMPLE", asked for "HTTP/hv01@CORP.EXAMPLE"`},
		"another realm":       {kdc: answerFor("HTTP/hv01", "EVIL"), want: "HTTP/hv01@EVIL"},
		"refers to itself":    {kdc: answerFor("krbtgt/CORP.EXAMPLE", client.Realm), want: "krbtgt/CORP.EXAMPLE"},
		"refers from another": {kdc: answerFor("krbtgt/EVIL", "OTHER"), want: "krbtgt/EVIL@OTHER"},
		"nonce":               {kdc: edit(func(p *messages.EncKDCRepPart) { p.Nonce-- }), want: "wrong nonce"},
		"description":         {kdc: edit(func(p *messages.EncKDCRepPart) { p.SName = types.NewPrincipalName(2, "HTTP/evil") }), want: "description"},
		"another client":      {kdc: func(k *kdctest.KDC) { k.Edit = func(r *messages.KDCRepFields) { r.CName.NameString = []string{"you"} } }, want: "you@CORP.EXAMPLE"},
		"ended":               {kdc: edit(func(p *messages.EncKDCRepPart) { p.EndTime = now }), want: "ended at"},
		"RC4 session key":     {kdc: edit(func(p *messages.EncKDCRepPart) { p.Key.KeyType = 23 }), want: "encryption type 23"},
		"wrong session key":   {tgt: func(c *krb5.Credential) { c.Key.Value[0]++ }, code: 60, want: "KRB_ERR_GENERIC"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kdc := newKDC()
			ticket := tgt(t, kdc)
			if test.kdc != nil {
				test.kdc(kdc)
			}
			if test.tgt != nil {
				test.tgt(ticket)
			}
			if test.server == "" {
				test.server = "HTTP/hv01"
			}
			c, _, err := runTGS(t, kdc, ticket, krb5.Principal{Components: strings.Split(test.server, "/")})
			if test.want == "" {
				if err != nil {
					t.Errorf("TGS exchange: %v", err)
				}
				return
			}
			if c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("TGS exchange = %v, %v, want an error with %q", c, err, test.want)
			}
			checkCode(t, err, test.code)
		})
	}
}

// TestTGSReplyOfAnother: an answer that another key encrypted says nothing of a password.
func TestTGSReplyOfAnother(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	x, err := krb5.NewTGS(krb5.TGSConfig{TGT: tgt(t, kdc), Server: service, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	y, err := krb5.NewTGS(krb5.TGSConfig{TGT: tgt(t, kdc), Server: service, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := y.Request()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := x.Reply(kdc.Answer(msg)); err == nil || err.Error() != "the answer does not decrypt with the key of the ticket" {
		t.Errorf("Reply = %v, want that it does not decrypt", err)
	}
}

func TestNewTGSErrors(t *testing.T) {
	t.Parallel()
	ticket := tgt(t, newKDC())
	rc4 := *ticket
	rc4.Key = krb5.Key{EType: 23, Value: make([]byte, 16)}
	other := *ticket
	other.Server = service
	for name, test := range map[string]struct {
		cfg  krb5.TGSConfig
		want string
	}{
		"RC4":         {krb5.TGSConfig{TGT: &rc4, Server: service}, "encryption type 23"},
		"not for TGS": {krb5.TGSConfig{TGT: &other, Server: service}, "not for a ticket-granting service"},
		"no random":   {krb5.TGSConfig{TGT: ticket, Server: service, Rand: strings.NewReader("")}, "nonce"},
	} {
		if _, err := krb5.NewTGS(test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: NewTGS = %v, want an error with %q", name, err, test.want)
		}
	}
}

// asReplies returns what a KDC answers in an exchange with keys.
func asReplies(tb testing.TB) (replies [][]byte, cfg krb5.ASConfig) {
	tb.Helper()
	for _, preauth := range []bool{true, false} {
		kdc := newKDC()
		kdc.NoPreauth = !preauth
		cfg = byKeys(tb, kdc, etypes...)
		cfg.Rand = new(zeros)
		x, err := krb5.NewAS(cfg)
		if err != nil {
			tb.Fatal(err)
		}
		msg, err := x.Request()
		if err != nil {
			tb.Fatal(err)
		}
		replies = append(replies, kdc.Answer(msg))
	}
	return replies, cfg
}

// zeros reads as zeros, so that each request has the same nonce.
type zeros struct{}

func (*zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// asReply hands b to a new exchange.
func asReply(tb testing.TB, cfg krb5.ASConfig, b []byte) {
	tb.Helper()
	x, err := krb5.NewAS(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	next, c, err := x.Reply(b)
	if got := count(next != nil, c != nil, err != nil); got != 1 {
		tb.Fatalf("Reply(%x) = %x, %v, %v, want one of them", b, next, c, err)
	}
}

func count(b ...bool) int {
	return len(slices.DeleteFunc(b, func(b bool) bool { return !b }))
}

// tgsReplies returns what a KDC answers, and the exchange that asks.
func tgsReplies(tb testing.TB) (replies [][]byte, cfg krb5.TGSConfig) {
	tb.Helper()
	kdc := newKDC()
	cfg = krb5.TGSConfig{TGT: tgt(tb, kdc), Server: service, Now: clock, Rand: new(zeros)}
	x, err := krb5.NewTGS(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	msg, err := x.Request()
	if err != nil {
		tb.Fatal(err)
	}
	return [][]byte{kdc.Answer(msg)}, cfg
}

// tgsReply hands b to a new exchange.
func tgsReply(tb testing.TB, cfg krb5.TGSConfig, b []byte) {
	tb.Helper()
	x, err := krb5.NewTGS(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	c, _, err := x.Reply(b)
	if (c == nil) == (err == nil) {
		tb.Fatalf("Reply(%x) = %v, %v, want one of them", b, c, err)
	}
}

func TestASReplyMutated(t *testing.T) {
	replies, cfg := asReplies(t)
	for _, seed := range replies {
		mutations(t, seed, func(b []byte) { asReply(t, cfg, b) })
	}
}

func TestTGSReplyMutated(t *testing.T) {
	replies, cfg := tgsReplies(t)
	for _, seed := range replies {
		mutations(t, seed, func(b []byte) { tgsReply(t, cfg, b) })
	}
}
