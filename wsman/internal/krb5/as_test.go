package krb5_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5/kdctest"
)

const password = "correct horse"

// newKDC returns a KDC of client and service whose clock is ours.
func newKDC() *kdctest.KDC {
	return &kdctest.KDC{
		Realm: client.Realm, Users: map[string]string{"me": password}, Services: []string{"HTTP/hv01"}, Now: clock,
	}
}

// byPassword is the client's side of an exchange with newKDC.
func byPassword() krb5.ASConfig {
	return krb5.ASConfig{Client: client, Password: func() string { return password }, Now: clock}
}

// byKeys is the same with the keys that kdc has.
func byKeys(tb testing.TB, kdc *kdctest.KDC, etypes ...int32) krb5.ASConfig {
	tb.Helper()
	cfg := krb5.ASConfig{Client: client, Now: clock}
	for _, etype := range etypes {
		key, err := kdc.UserKey(password, etype)
		if err != nil {
			tb.Fatal(err)
		}
		cfg.Keys = append(
			cfg.Keys,
			krb5.ServiceKey{Principal: service, KVNO: 9, Key: krb5.Key{EType: etype, Value: make([]byte, len(key.KeyValue))}},
			krb5.ServiceKey{Principal: client, KVNO: 3, Key: krb5.Key{EType: etype, Value: key.KeyValue}},
			krb5.ServiceKey{Principal: client, KVNO: 2, Key: krb5.Key{EType: etype, Value: make([]byte, len(key.KeyValue))}},
		)
	}
	return cfg
}

// runAS carries the messages of an exchange to kdc.
func runAS(tb testing.TB, kdc *kdctest.KDC, cfg krb5.ASConfig) (*krb5.Credential, error) {
	tb.Helper()
	x, err := krb5.NewAS(cfg)
	if err != nil {
		tb.Fatalf("NewAS: %v", err)
	}
	defer x.Destroy()
	msg, err := x.Request()
	if err != nil {
		tb.Fatalf("Request: %v", err)
	}
	for range 3 {
		next, c, err := x.Reply(kdc.Answer(msg))
		if next == nil {
			return c, err
		}
		msg = next
	}
	return nil, errors.New("no end of the exchange")
}

// tgt returns a ticket-granting ticket of kdc.
func tgt(tb testing.TB, kdc *kdctest.KDC) *krb5.Credential {
	tb.Helper()
	c, err := runAS(tb, kdc, byPassword())
	if err != nil {
		tb.Fatalf("AS exchange: %v", err)
	}
	return c
}

func TestAS(t *testing.T) {
	t.Parallel()
	for _, etype := range etypes {
		for _, preauth := range []bool{true, false} {
			for _, source := range []string{"password", "keys"} {
				t.Run(fmt.Sprintf("%d preauth=%v %s", etype, preauth, source), func(t *testing.T) {
					t.Parallel()
					kdc := newKDC()
					kdc.ETypes, kdc.NoPreauth = []int32{etype}, !preauth
					cfg := byPassword()
					if source == "keys" {
						cfg = byKeys(t, kdc, etype)
					}
					c, err := runAS(t, kdc, cfg)
					if err != nil {
						t.Fatalf("AS exchange: %v", err)
					}
					if !c.Client.Equal(client) || !c.Server.Equal(krb5.TGS(client.Realm, client.Realm)) || c.Key.EType != etype {
						t.Errorf("credential = %v with a key of type %d, want %v, its realm's TGS and %d", c, c.Key.EType, client, etype)
					}
					if !c.ValidAt(now) || c.ValidAt(now.Add(8*time.Hour)) || c.Flags != 1<<21 || len(c.Ticket) == 0 {
						t.Errorf("credential = %v, flags %#x, a ticket of %d octets", c, c.Flags, len(c.Ticket))
					}
					want := kdctest.Count{AS: 1}
					if preauth {
						want = kdctest.Count{AS: 2, Preauth: 1}
					}
					if got := kdc.Count(); got != want {
						t.Errorf("the KDC counted %+v, want %+v", got, want)
					}
				})
			}
		}
	}
}

// TestASStrongest: of what both sides have, the KDC's order does not count.
func TestASStrongest(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	kdc.ETypes, kdc.Offer = []int32{20}, []int32{23, 17, 3, 20, 18}
	if _, err := runAS(t, kdc, byPassword()); err != nil {
		t.Errorf("AS exchange: %v", err)
	}
	kdc = newKDC()
	kdc.ETypes, kdc.Offer = []int32{17}, []int32{20, 18, 17}
	if _, err := runAS(t, kdc, byKeys(t, kdc, 17)); err != nil {
		t.Errorf("AS exchange with a key of type 17 alone: %v", err)
	}
}

// TestASIterations: a count above the type's own is taken, up to the bound.
func TestASIterations(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	kdc.Iterations = 131_072
	if _, err := runAS(t, kdc, byPassword()); err != nil {
		t.Errorf("AS exchange: %v", err)
	}
}

func TestASRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kdc  func(*kdctest.KDC)
		cfg  func(*krb5.ASConfig)
		code int32 // of *krb5.Error
		want string
	}{
		"wrong password":        {cfg: func(c *krb5.ASConfig) { c.Password = func() string { return "wrong" } }, code: krb5.CodePreauthFailed, want: "KDC_ERR_PREAUTH_FAILED"},
		"unknown client":        {cfg: func(c *krb5.ASConfig) { c.Client.Components = []string{"you"} }, code: krb5.CodeClientUnknown, want: "KDC_ERR_C_PRINCIPAL_UNKNOWN"},
		"disabled":              {kdc: func(k *kdctest.KDC) { k.Refuse = map[string]int32{"me": 18} }, code: krb5.CodeClientRevoked, want: "KDC_ERR_CLIENT_REVOKED"},
		"clock of the KDC":      {kdc: func(k *kdctest.KDC) { k.Now = later(12 * time.Minute) }, code: krb5.CodeSkew, want: "KRB_AP_ERR_SKEW"},
		"clock, no preauth":     {kdc: func(k *kdctest.KDC) { k.NoPreauth, k.Now = true, later(-6*time.Minute) }, code: krb5.CodeSkew, want: "KRB_AP_ERR_SKEW"},
		"wrong key, no preauth": {kdc: func(k *kdctest.KDC) { k.NoPreauth, k.Users = true, map[string]string{"me": "other"} }, want: krb5.ErrWrongKey.Error()},
		"RC4 alone":             {kdc: func(k *kdctest.KDC) { k.Offer = []int32{23, 3} }, code: 25, want: "KDC_ERR_PREAUTH_REQUIRED (25); the KDC offers no encryption type that is taken here (offered: 23, 3; taken: [20 19 18 17])"},
		"nothing offered":       {kdc: func(k *kdctest.KDC) { k.Offer = []int32{} }, code: 25, want: "offered: nothing"},
		"no key of what is offered": {
			kdc: func(k *kdctest.KDC) { k.Offer = []int32{20, 19} }, cfg: func(c *krb5.ASConfig) { c.Keys = []krb5.ServiceKey{userKey(17)} },
			code: 25, want: "offered: 20, 19; taken: [17]",
		},
		"2^32-1 iterations": {kdc: func(k *kdctest.KDC) { k.Iterations = 1<<32 - 1 }, code: 25, want: "asks for 4294967295 iterations"},
		"131073 iterations": {kdc: func(k *kdctest.KDC) { k.Iterations = 131_073 }, code: 25, want: "asks for 131073 iterations"},
		"1 iteration":       {kdc: func(k *kdctest.KDC) { k.Iterations = 1 }, code: 25, want: "asks for 1 iterations"},
		"nonce":             {kdc: edit(func(p *messages.EncKDCRepPart) { p.Nonce++ }), want: "wrong nonce"},
		"server":            {kdc: edit(func(p *messages.EncKDCRepPart) { p.SName = types.NewPrincipalName(2, "krbtgt/EVIL") }), want: `its description for "krbtgt/EVIL@CORP.EXAMPLE"`},
		"server's realm":    {kdc: edit(func(p *messages.EncKDCRepPart) { p.SRealm = "EVIL" }), want: `its description for "krbtgt/CORP.EXAMPLE@EVIL"`},
		"ended":             {kdc: edit(func(p *messages.EncKDCRepPart) { p.EndTime = p.AuthTime.Add(-time.Hour) }), want: "ended at"},
		"RC4 session key":   {kdc: edit(func(p *messages.EncKDCRepPart) { p.Key.KeyType = 23 }), want: "encryption type 23"},
		"short session key": {kdc: edit(func(p *messages.EncKDCRepPart) { p.Key.KeyValue = p.Key.KeyValue[:8] }), want: "session key"},
		"another client":    {kdc: func(k *kdctest.KDC) { k.Edit = func(r *messages.KDCRepFields) { r.CName.NameString = []string{"you"} } }, want: `for the client "you@CORP.EXAMPLE"`},
		"another realm":     {kdc: func(k *kdctest.KDC) { k.Edit = func(r *messages.KDCRepFields) { r.CRealm = "EVIL" } }, want: `for the client "me@EVIL"`},
		"another service": {
			kdc: func(k *kdctest.KDC) {
				name := types.NewPrincipalName(2, "krbtgt/EVIL")
				k.Edit = func(r *messages.KDCRepFields) { r.Ticket.SName = name }
				k.EditPart = func(p *messages.EncKDCRepPart) { p.SName = name }
			},
			want: `a ticket for "krbtgt/EVIL@CORP.EXAMPLE", asked for "krbtgt/CORP.EXAMPLE@CORP.EXAMPLE"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kdc, cfg := newKDC(), byPassword()
			if test.kdc != nil {
				test.kdc(kdc)
			}
			if test.cfg != nil {
				test.cfg(&cfg)
			}
			c, err := runAS(t, kdc, cfg)
			if c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("AS exchange = %v, %v, want an error with %q", c, err, test.want)
			}
			checkCode(t, err, test.code)
		})
	}
}

// checkCode checks that err holds the code of a KRB-ERROR; with code 0, that it holds none.
func checkCode(t *testing.T, err error, code int32) {
	t.Helper()
	e, ok := errors.AsType[*krb5.Error](err)
	if ok != (code != 0) || ok && e.Code != code {
		t.Errorf("error = %v, want code %d", err, code)
	}
	if code == krb5.CodeSkew && e.ServerTime.Sub(now).Abs() < 5*time.Minute {
		t.Errorf("error = %v with the time %v, want the KDC's", err, e.ServerTime)
	}
}

func later(d time.Duration) func() time.Time { return func() time.Time { return now.Add(d) } }

func edit(f func(*messages.EncKDCRepPart)) func(*kdctest.KDC) {
	return func(k *kdctest.KDC) { k.EditPart = f }
}

// userKey returns some key of client.
func userKey(etype int32) krb5.ServiceKey {
	k := serviceKey(etype)
	k.Principal = client
	return k
}

func TestNewASErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg  krb5.ASConfig
		want string
	}{
		"nobody":    {krb5.ASConfig{}, "no name with a realm"},
		"no realm":  {krb5.ASConfig{Client: krb5.Principal{Components: []string{"me"}}}, "no name with a realm"},
		"no secret": {krb5.ASConfig{Client: client}, "neither Password nor Keys"},
		"other's":   {krb5.ASConfig{Client: client, Keys: []krb5.ServiceKey{serviceKey(18)}}, "no key of me@CORP.EXAMPLE"},
		"no random": {krb5.ASConfig{Client: client, Keys: []krb5.ServiceKey{userKey(18)}, Rand: strings.NewReader("x")}, "nonce"},
	} {
		if _, err := krb5.NewAS(test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: NewAS = %v, want an error with %q", name, err, test.want)
		}
	}
}

// TestASReplyGarbage: what is no message at all, and what wants pre-authentication without a word how.
func TestASReplyGarbage(t *testing.T) {
	t.Parallel()
	required := func(edata string) []byte {
		b, err := (&messages.KRBError{
			PVNO: 5, MsgType: 30, STime: now, ErrorCode: 25, Realm: client.Realm, SName: types.NewPrincipalName(2, "krbtgt/X"), EData: []byte(edata),
		}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, reply := range map[string][]byte{
		"nothing": nil, "one octet": {0x6b}, "text": []byte("HTTP/1.1 400 Bad Request"), "long": make([]byte, 1<<20),
		"no methods": required(""), "bad methods": required("\x30\x82"), "other methods": required("\x30\x00"),
		"AS-REQ": mustRequest(t), "TGS-REP": {0x6d, 0x02, 0x30, 0x00},
	} {
		x, err := krb5.NewAS(byPassword())
		if err != nil {
			t.Fatal(err)
		}
		if next, c, err := x.Reply(reply); err == nil || next != nil || c != nil {
			t.Errorf("%s: Reply = %x, %v, %v, want an error", name, next, c, err)
		}
	}
}

// TestASReplyType: an answer in an encryption type that was not asked for is not decrypted, and says nothing of the password.
func TestASReplyType(t *testing.T) {
	t.Parallel()
	kdc := newKDC()
	kdc.NoPreauth = true
	for etype, cfg := range map[int32]krb5.ASConfig{23: byPassword(), 18: byKeys(t, kdc, 17)} {
		x, err := krb5.NewAS(cfg)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := x.Request()
		if err != nil {
			t.Fatal(err)
		}
		var rep messages.ASRep
		if err := rep.Unmarshal(kdc.Answer(msg)); err != nil {
			t.Fatal(err)
		}
		rep.EncPart.EType = etype
		b, err := rep.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("the KDC answered with encryption type %d, which was not asked for", etype)
		if _, _, err := x.Reply(b); err == nil || err.Error() != want {
			t.Errorf("Reply = %v, want %q", err, want)
		}
	}
}

// TestASWrongRealm: the KDC may say where the user is.
func TestASWrongRealm(t *testing.T) {
	t.Parallel()
	for realm, want := range map[string]string{"": "KDC_ERR_WRONG_REALM (68)", "EU.EXAMPLE": `KDC_ERR_WRONG_REALM (68); the realm is "EU.EXAMPLE"`} {
		x, err := krb5.NewAS(byPassword())
		if err != nil {
			t.Fatal(err)
		}
		refusal := messages.KRBError{PVNO: 5, MsgType: 30, STime: now, ErrorCode: 68, CRealm: realm, Realm: client.Realm, SName: types.NewPrincipalName(2, "krbtgt/X")}
		b, err := refusal.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := x.Reply(b); err == nil || err.Error() != want {
			t.Errorf("Reply = %v, want %q", err, want)
		}
	}
}

func mustRequest(tb testing.TB) []byte {
	tb.Helper()
	x, err := krb5.NewAS(byPassword())
	if err != nil {
		tb.Fatal(err)
	}
	msg, err := x.Request()
	if err != nil {
		tb.Fatal(err)
	}
	return msg
}
