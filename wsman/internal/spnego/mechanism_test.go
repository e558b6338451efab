package spnego_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
)

var now = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

func clock() time.Time { return now }

func ntlmClient(password string) *ntlmssp.Client {
	return ntlmssp.NewClient(ntlmssp.ClientConfig{
		User: "me", Domain: "CORP", Password: func() string { return password }, TargetName: "HTTP/hv01", Now: clock,
	})
}

func ntlmServer() *ntlmssp.Server {
	return ntlmssp.NewServer(ntlmssp.ServerConfig{
		ComputerName: "HV01", DomainName: "CORP", DNSName: "hv01.corp.example", Now: clock,
		Password: func(_, user string) (string, bool) { return "a password", user == "me" },
	})
}

// kerberosSides returns client and service of a forged ticket.
func kerberosSides(t *testing.T) (*krb5.Initiator, *krb5.Acceptor) {
	t.Helper()
	key := krb5.ServiceKey{
		Principal: krb5.Principal{NameType: krb5.NameTypeService, Components: []string{"HTTP", "hv01"}, Realm: "CORP.EXAMPLE"},
		Key:       krb5.Key{EType: krb5.ETypeAES256SHA1, Value: []byte("thirty-two octets of service key")},
	}
	credential, err := krb5.Forge(krb5.Forgery{
		Client:     krb5.Principal{NameType: krb5.NameTypePrincipal, Components: []string{"me"}, Realm: "CORP.EXAMPLE"},
		Server:     key.Principal,
		ServiceKey: key, EType: krb5.ETypeAES256SHA1, StartTime: now.Add(-time.Hour), EndTime: now.Add(time.Hour),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return krb5.NewInitiator(krb5.InitiatorConfig{Credential: credential, Now: clock}),
		krb5.NewAcceptor(krb5.AcceptorConfig{Keys: []krb5.ServiceKey{key}, Now: clock})
}

// TestMechanisms negotiates the real mechanisms and sends sealed bodies both ways.
func TestMechanisms(t *testing.T) {
	client, service := kerberosSides(t)
	tests := []struct {
		name   string
		mech   spnego.Mechanism
		server spnego.Mechanism
		tokens int
	}{
		{"NTLM", ntlmClient("a password"), ntlmServer(), 4},
		{"Kerberos", client, service, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i, a := spnego.NewInitiator(tt.mech), spnego.NewAcceptor(ntlm(true), tt.server)
			if tt.server.OIDs()[0].Equal(oidNTLM) {
				a = spnego.NewAcceptor(kerberos(true), tt.server)
			}
			if n := len(run(t, i, a)); n != tt.tokens {
				t.Errorf("%d tokens, want %d", n, tt.tokens)
			}
			for n := range 3 {
				exchangeBody(t, i.Context(), a.Context(), strings.Repeat("request", n))
				exchangeBody(t, a.Context(), i.Context(), strings.Repeat("answer", n))
			}
		})
	}
}

// exchangeBody sends a sealed body.
func exchangeBody(t *testing.T, from, to sealed.Context, text string) {
	t.Helper()
	body, err := sealed.Encode(from, sealed.ProtocolSPNEGO, "application/soap+xml;charset=UTF-8", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := sealed.Decode(to, sealed.ContentType(sealed.ProtocolSPNEGO), body)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		t.Errorf("Decode = %q, want %q", got, text)
	}
}

// TestWrongPassword finds NTLM's refusal in the error.
func TestWrongPassword(t *testing.T) {
	i, a := spnego.NewInitiator(ntlmClient("another password")), spnego.NewAcceptor(ntlmServer())
	var in []byte
	var err error
	for n := 0; n < 3 && err == nil; n++ {
		in, err = []sealed.Handshake{i, a}[n%2].Step(in)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err = a.Step(in); !errors.Is(err, ntlmssp.ErrRefused) {
		t.Errorf("Step = %v, want %v", err, ntlmssp.ErrRefused)
	}
}

// TestAlteredMIC changes one bit of each side's MIC of the real NTLM.
func TestAlteredMIC(t *testing.T) {
	for _, last := range []int{3, 4} {
		i, a := spnego.NewInitiator(ntlmClient("a password")), spnego.NewAcceptor(ntlmServer())
		sides := []sealed.Handshake{i, a}
		var in []byte
		for n := range last {
			out, err := sides[n%2].Step(in)
			if err != nil {
				t.Fatal(err)
			}
			in = out
		}
		in[len(in)-1] ^= 1 // the MIC is the last field
		side := sides[last%2]
		if _, err := side.Step(in); err == nil || !strings.Contains(err.Error(), "mechListMIC") || side.Context() != nil {
			t.Errorf("Step of token %d, altered, = %v, context %v", last, err, side.Context())
		}
	}
}
