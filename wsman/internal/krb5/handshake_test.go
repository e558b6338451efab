package krb5_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
)

// Both sides carry Kerberos inside SPNEGO, too.
var (
	_ spnego.Mechanism = (*krb5.Initiator)(nil)
	_ spnego.Mechanism = (*krb5.Acceptor)(nil)
)

func TestHandshake(t *testing.T) {
	for _, etype := range etypes {
		t.Run(fmt.Sprint(etype), func(t *testing.T) {
			i, a := pair(t, etype)
			if i.Context() != nil || a.Context() != nil {
				t.Fatal("there is a context before the first token")
			}
			token := request(t, i)
			if i.Context() != nil {
				t.Error("the initiator has a context before the service proved anything")
			}
			// RFC 2743 §3.1: the mechanism's name and the kind of token come after the outer length.
			if want := []byte("\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00\x6e"); token[0] != 0x60 || !bytes.Contains(token[:20], want) {
				t.Errorf("token begins with %x, want 60 and %x", token[:20], want)
			}
			reply, err := a.Step(token)
			if err != nil || reply[0] != 0x60 {
				t.Fatalf("Acceptor.Step = %x, %v", reply, err)
			}
			if diff := cmp.Diff(client, a.Client()); diff != "" {
				t.Errorf("Client (-want +got):\n%s", diff)
			}
			if _, err := i.Step(reply); err != nil {
				t.Fatalf("Initiator.Step: %v", err)
			}
			if got, err := a.Context().Unseal(seal(t, i.Context(), "hello"), 0); err != nil || string(got) != "hello" {
				t.Errorf("Unseal = %q, %v", got, err)
			}
			if _, err := i.Step(reply); err == nil {
				t.Error("Initiator takes the AP-REP twice")
			}
			if _, err := a.Step(token); err == nil {
				t.Error("Acceptor takes the AP-REQ twice")
			}
		})
	}
}

// unframed returns the message within a token of less than 64 KiB.
func unframed(token []byte) []byte {
	_, message, _ := bytes.Cut(token, []byte("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"))
	return message[2:]
}

// TestHandshakeUnframed has messages without the frame of the GSS-API, as facts/auth.md §1 says of the scheme Kerberos.
func TestHandshakeUnframed(t *testing.T) {
	i, a := pair(t, krb5.ETypeAES256SHA1)
	reply, err := a.Step(unframed(request(t, i)))
	if err != nil || reply[0] != 0x6f {
		t.Fatalf("Acceptor.Step = %x, %v, want a bare AP-REP", reply, err)
	}
	if _, err := i.Step(reply); err != nil || i.Context() == nil {
		t.Errorf("Initiator.Step(bare AP-REP): %v", err)
	}
}

// TestHandshakeOfMicrosoft has the other name of the mechanism in the frame.
func TestHandshakeOfMicrosoft(t *testing.T) {
	ours, theirs := []byte("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"), []byte("\x2a\x86\x48\x82\xf7\x12\x01\x02\x02")
	i, a := pair(t, krb5.ETypeAES256SHA1)
	reply, err := a.Step(bytes.Replace(request(t, i), ours, theirs, 1))
	if err != nil {
		t.Fatalf("Acceptor.Step: %v", err)
	}
	if _, err := i.Step(bytes.Replace(reply, ours, theirs, 1)); err != nil || i.Context() == nil {
		t.Errorf("Initiator.Step: %v", err)
	}
	if got := fmt.Sprint(i.OIDs(), a.OIDs()); got != "[1.2.840.113554.1.2.2 1.2.840.48018.1.2.2] [1.2.840.113554.1.2.2 1.2.840.48018.1.2.2]" {
		t.Errorf("OIDs = %s", got)
	}
}

func TestChannelBindings(t *testing.T) {
	one, other := &sealed.ChannelBindings{1}, &sealed.ChannelBindings{2}
	for _, tt := range []struct {
		name           string
		client, server *sealed.ChannelBindings
		want           error
	}{
		{"none", nil, nil, nil},
		{"equal", one, one, nil},
		{"different", one, other, krb5.ErrChannelBindings},
		{"only the client's", one, nil, nil},
		{"only the server's", nil, one, nil}, // as Windows' CbtHardeningLevel=Relaxed
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := krb5.NewInitiator(krb5.InitiatorConfig{Credential: forge(t, 18), ChannelBindings: tt.client, Now: clock})
			a := krb5.NewAcceptor(krb5.AcceptorConfig{Keys: []krb5.ServiceKey{serviceKey(18)}, ChannelBindings: tt.server, Now: clock})
			_, err := a.Step(request(t, i))
			if !errors.Is(err, tt.want) || (a.Context() == nil) != (tt.want != nil) {
				t.Errorf("Acceptor.Step: %v, context %v, want %v", err, a.Context(), tt.want)
			}
			if tt.want != nil && a.Client().Name() != "" {
				t.Errorf("Client = %v of a refused client", a.Client())
			}
		})
	}
}

// TestRefused has what the acceptor refuses by a KRB-ERROR, and that the initiator reads it.
func TestRefused(t *testing.T) {
	at := func(d time.Duration) func() time.Time { return func() time.Time { return now.Add(d) } }
	wrong := serviceKey(18)
	wrong.Key.Value = bytes.Repeat([]byte{9}, 32)
	right := []krb5.ServiceKey{wrong, serviceKey(17), serviceKey(18)}
	for _, tt := range []struct {
		name   string
		keys   []krb5.ServiceKey
		now    func() time.Time // the acceptor's
		client func() time.Time
		code   int32
		want   string
	}{
		{"second key fits", right, clock, clock, 0, ""},
		{"slow server", right, at(-5 * time.Minute), clock, 0, ""},
		{"slower server", right, at(-5*time.Minute - time.Second), clock, krb5.CodeSkew, "KRB_AP_ERR_SKEW (37)"},
		{"fast server", right, at(5*time.Minute - time.Second), clock, 0, ""},
		{"faster server", right, at(5*time.Minute + time.Second), clock, krb5.CodeSkew, "KRB_AP_ERR_SKEW (37)"},
		{"just expired", right, at(64 * time.Minute), at(64 * time.Minute), 0, ""},
		{"expired", right, at(66 * time.Minute), at(66 * time.Minute), krb5.CodeTicketExpired, "KRB_AP_ERR_TKT_EXPIRED (32)"},
		{"not yet valid", right, at(-66 * time.Minute), at(-66 * time.Minute), krb5.CodeTicketNotYet, "KRB_AP_ERR_TKT_NYV (33)"},
		{"no key", nil, clock, clock, krb5.CodeNoKey, "KRB_AP_ERR_NOKEY (45)"},
		{"no key of the type", []krb5.ServiceKey{serviceKey(17)}, clock, clock, krb5.CodeNoKey, "KRB_AP_ERR_NOKEY (45)"},
		{"another key", []krb5.ServiceKey{wrong}, clock, clock, krb5.CodeModified, "KRB_AP_ERR_MODIFIED (41)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := krb5.NewInitiator(krb5.InitiatorConfig{Credential: forge(t, 18), Now: tt.client})
			a := krb5.NewAcceptor(krb5.AcceptorConfig{Keys: tt.keys, Now: tt.now})
			token, err := a.Step(request(t, i))
			if (err != nil) != (tt.code != 0) || token == nil {
				t.Fatalf("Acceptor.Step = %x, %v, want code %d", token, err, tt.code)
			}
			_, err = i.Step(token)
			if tt.code == 0 {
				if err != nil {
					t.Errorf("Initiator.Step: %v", err)
				}
				return
			}
			refusal, ok := errors.AsType[*krb5.Error](err)
			if !ok || refusal.Code != tt.code || !strings.Contains(err.Error(), tt.want) || i.Context() != nil || a.Context() != nil {
				t.Fatalf("Initiator.Step: %v, want %s", err, tt.want)
			}
			wantTime := tt.now().Truncate(time.Microsecond)
			if !refusal.ServerTime.Equal(wantTime) || !refusal.Server.Equal(service) || refusal.Realm != service.Realm {
				t.Errorf("the error is of %v at %v, want %v at %v", refusal.Server, refusal.ServerTime, service, wantTime)
			}
		})
	}
}

// TestInitiatorRefuses has answers that prove nothing.
func TestInitiatorRefuses(t *testing.T) {
	const etype = krb5.ETypeAES256SHA1
	answer := func(t *testing.T) (*krb5.Initiator, []byte) {
		t.Helper()
		i, a := pair(t, etype)
		reply, err := a.Step(request(t, i))
		if err != nil {
			t.Fatal(err)
		}
		return i, reply
	}
	check := func(t *testing.T, i *krb5.Initiator, token []byte) {
		t.Helper()
		if out, err := i.Step(token); err == nil || out != nil || i.Context() != nil {
			t.Errorf("Initiator.Step(%x) = %x, %v", token, out, err)
		}
	}
	_, size := answer(t)
	for n := range size {
		i, reply := answer(t)
		if n >= len(reply) {
			break // a number in it, which is random, needs fewer octets than that of the first
		}
		reply[n] ^= 1
		// Before octet 46 are DER lengths of which some say the same, and of which one is believed.
		if out, err := i.Step(reply); err == nil && n >= 46 || out != nil {
			t.Errorf("octet %d of AP-REP altered: %x, %v", n, out, err)
		}
		i, reply = answer(t)
		check(t, i, reply[:n])
	}
	i, reply := answer(t)
	check(t, i, append(reply, 0))
	other, _ := answer(t)
	_, reply = answer(t)
	check(t, other, reply)
	i, _ = pair(t, etype)
	check(t, i, request(t, i)) // its own token, reflected
	i, _ = pair(t, etype)
	check(t, i, reply) // before the AP-REQ
	i, _ = answer(t)
	check(t, i, nil)
	i, _ = answer(t)
	check(t, i, bytes.Repeat([]byte{0x60}, 100_000))
}

// TestInitiatorCredential has tickets that cannot be used; no token leaves.
func TestInitiatorCredential(t *testing.T) {
	rc4 := forge(t, 18)
	rc4.Key = krb5.Key{EType: 23, Value: make([]byte, 16)}
	short := forge(t, 18)
	short.Key.Value = short.Key.Value[:16]
	for name, c := range map[string]*krb5.Credential{"none": nil, "RC4": rc4, "short key": short} {
		i := krb5.NewInitiator(krb5.InitiatorConfig{Credential: c, Now: clock})
		if token, err := i.Step(nil); err == nil || token != nil {
			t.Errorf("%s: Initiator.Step = %x, %v", name, token, err)
		}
	}
	i := krb5.NewInitiator(krb5.InitiatorConfig{Credential: forge(t, 18), Now: clock, Rand: strings.NewReader("too few octets")})
	if token, err := i.Step(nil); err == nil || token != nil {
		t.Errorf("without random octets: Initiator.Step = %x, %v", token, err)
	}
}

func TestAcceptorRefusesTokens(t *testing.T) {
	i, _ := pair(t, 18)
	good := request(t, i)
	var tokens [][]byte
	for n := range good {
		altered := bytes.Clone(good)
		altered[n] ^= 0x40
		tokens = append(tokens, good[:n], altered)
	}
	tokens = append(tokens, append(bytes.Clone(good), 0), make([]byte, 70_000), []byte("NTLMSSP\x00"))
	var taken int
	for _, token := range tokens {
		a := krb5.NewAcceptor(krb5.AcceptorConfig{Keys: []krb5.ServiceKey{serviceKey(18)}, Now: clock})
		_, err := a.Step(token)
		if err == nil {
			taken++
		}
		if (err == nil) != (a.Context() != nil) || (err == nil) != a.Client().Equal(client) {
			t.Errorf("Acceptor.Step(%x): %v, context %v, client %v", token, err, a.Context(), a.Client())
		}
	}
	// Not protected are: the types of names, the realm and name of the server, and the version of its key, all in clear.
	if taken > 50 {
		t.Errorf("%d of %d altered tokens taken", taken, len(tokens))
	}
}

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  krb5.Error
		want string
	}{
		{krb5.Error{Code: krb5.CodeServerUnknown}, "KDC_ERR_S_PRINCIPAL_UNKNOWN (7)"},
		{krb5.Error{Code: krb5.CodePreauthFailed, Text: "a\nb"}, `KDC_ERR_PREAUTH_FAILED (24): "a\nb"`},
		{krb5.Error{Code: 99}, "KRB-ERROR (99)"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("Error() = %q, want %q", got, tt.want)
		}
	}
}
