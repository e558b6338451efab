package spnego_test

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/internal/spnego"
)

// TestNegotiation lets initiator and acceptor talk and compares every token.
func TestNegotiation(t *testing.T) {
	kerberosList, ntlmList := list(derKerberos), list(derNTLM)
	tests := []struct {
		name string
		mech func(acceptor bool) *fakeMech
		want []string
	}{
		{"Kerberos", kerberos, []string{
			initToken(kerberosList, token("mech 1")),
			respToken(state(0), mech(derKerberos), token("mech 2")),
		}},
		{"NTLM", ntlm, []string{
			initToken(ntlmList, token("mech 1")),
			respToken(state(1), mech(derNTLM), token("mech 2")),
			respToken(state(1), token("mech 3"), listMIC(mic(false, 1, []byte(ntlmList)))),
			respToken(state(0), listMIC(mic(true, 1, []byte(ntlmList)))),
		}},
		{"one token", legs(1), []string{
			initToken(kerberosList, token("mech 1")),
			respToken(state(0), mech(derKerberos)),
		}},
		{"four tokens", legs(4), []string{
			initToken(kerberosList, token("mech 1")),
			respToken(state(1), mech(derKerberos), token("mech 2")),
			respToken(state(1), token("mech 3")),
			respToken(state(0), token("mech 4")),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i, a := spnego.NewInitiator(tt.mech(false)), spnego.NewAcceptor(tt.mech(true))
			if i.Context() != nil || a.Context() != nil {
				t.Error("a context before the first token")
			}
			if d := cmp.Diff(tt.want, run(t, i, a)); d != "" {
				t.Errorf("tokens (-want +got):\n%s", d)
			}
			if i.Context() == nil || a.Context() == nil {
				t.Errorf("contexts %v and %v", i.Context(), a.Context())
			}
		})
	}
}

// legs returns a mechanism of n tokens with Kerberos' name.
func legs(n int) func(bool) *fakeMech {
	return func(acceptor bool) *fakeMech {
		return &fakeMech{oids: []asn1.ObjectIdentifier{oidKerberos}, legs: n, acceptor: acceptor}
	}
}

// TestGolden holds two tokens to octets written by hand from RFC 4178 §4.2 and X.690.
func TestGolden(t *testing.T) {
	i, a := spnego.NewInitiator(ntlm(false)), spnego.NewAcceptor(ntlm(true))
	first, err := i.Step(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(first), "6026"+"06062b0601050502"+"a01c"+"301a"+
		"a00e"+"300c"+"060a2b06010401823702020a"+"a208"+"0406"+hex.EncodeToString([]byte("mech 1")); got != want {
		t.Errorf("NegTokenInit is %s, want %s", got, want)
	}
	second, err := a.Step(first)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(second), "a11f"+"301d"+"a003"+"0a0101"+"a10c"+"060a2b06010401823702020a"+
		"a208"+"0406"+hex.EncodeToString([]byte("mech 2")); got != want {
		t.Errorf("NegTokenResp is %s, want %s", got, want)
	}
}

// An exchange is a side and what it is told; "want" are its answers.
type exchange struct {
	name  string
	side  func() sealed.Handshake
	steps []step
}

type step struct{ in, want string }

func initiator(m func(bool) *fakeMech) func() sealed.Handshake {
	return func() sealed.Handshake { return spnego.NewInitiator(m(false)) }
}

func acceptor(mechs ...func(bool) *fakeMech) func() sealed.Handshake {
	return func() sealed.Handshake {
		var all []spnego.Mechanism
		for _, m := range mechs {
			all = append(all, m(true))
		}
		return spnego.NewAcceptor(all...)
	}
}

// exchanges are what peers do that do not write as this package does.
func exchanges() []exchange {
	kerberosList, ntlmList := list(derKerberos), list(derNTLM)
	ntlmFirst := step{"", initToken(ntlmList, token("mech 1"))}
	kerberosFirst := step{"", initToken(kerberosList, token("mech 1"))}
	ntlmLast := respToken(state(1), token("mech 3"), listMIC(mic(false, 1, []byte(ntlmList))))
	both := list(derKerberos, derNTLM)
	// A number that fits no int, and a long name.
	strange := list("\x06\x0a\x2b\xff\xff\xff\xff\xff\xff\xff\xff\x01", der(0x06, strings.Repeat("\x01", 70)), derKerberos)
	return []exchange{
		{"no state in the middle", initiator(ntlm), []step{
			ntlmFirst,
			{respToken(mech(derNTLM), token("mech 2")), ntlmLast},
			{respToken(state(0), listMIC(mic(true, 1, []byte(ntlmList)))), ""},
		}},
		{"no mechanism named", initiator(ntlm), []step{
			ntlmFirst, {respToken(state(1), token("mech 2")), ntlmLast}, {respToken(state(0)), ""},
		}},
		{"a mechanism named each time", initiator(ntlm), []step{
			ntlmFirst,
			{respToken(state(1), mech(derNTLM), token("mech 2")), ntlmLast},
			{respToken(state(0), mech(derNTLM), listMIC(mic(true, 1, []byte(ntlmList)))), ""},
		}},
		{"no state at the end", initiator(ntlm), []step{
			ntlmFirst,
			{respToken(state(1), mech(derNTLM), token("mech 2")), ntlmLast},
			{respToken(listMIC(mic(true, 1, []byte(ntlmList)))), ""},
		}},
		{"no MIC of the acceptor", initiator(ntlm), []step{
			ntlmFirst, {respToken(state(1), mech(derNTLM), token("mech 2")), ntlmLast}, {respToken(state(0)), ""},
		}},
		{"empty fields", initiator(ntlm), []step{
			ntlmFirst,
			{respToken(state(1), mech(derNTLM), token("mech 2"), listMIC(nil)), ntlmLast},
			{respToken(state(0), token(""), listMIC(mic(true, 1, []byte(ntlmList)))), ""},
		}},
		{"Windows' name of Kerberos", initiator(kerberos), []step{
			kerberosFirst, {respToken(state(0), mech(derMSKerberos), token("mech 2")), ""},
		}},
		{"a MIC with the last token", initiator(kerberos), []step{
			kerberosFirst,
			{respToken(state(0), mech(derKerberos), token("mech 2"), listMIC(mic(true, 1, []byte(kerberosList)))), ""},
		}},
		{"an acceptor that wants MICs", initiator(kerberos), []step{
			kerberosFirst,
			{
				respToken(state(1), mech(derKerberos), token("mech 2"), listMIC(mic(true, 1, []byte(kerberosList)))),
				respToken(state(0), listMIC(mic(false, 1, []byte(kerberosList)))),
			},
		}},
		{"no state with the last token", initiator(kerberos), []step{
			kerberosFirst,
			{respToken(token("mech 2")), respToken(state(1), listMIC(mic(false, 1, []byte(kerberosList))))},
			{respToken(state(0)), ""},
		}},
		{"a MIC before our last token", initiator(ntlm), []step{
			ntlmFirst,
			{respToken(state(1), token("mech 2"), listMIC(mic(true, 1, []byte(ntlmList)))), ntlmLast},
			{respToken(state(0)), ""},
		}},
		{"request-mic before the last token", initiator(ntlm), []step{
			ntlmFirst,
			{respToken(state(3), mech(derNTLM), token("mech 2")), ntlmLast},
			{respToken(state(0), listMIC(mic(true, 1, []byte(ntlmList)))), ""},
		}},
		{"request-mic with the last token", initiator(kerberos), []step{
			kerberosFirst,
			{
				respToken(state(3), mech(derKerberos), token("mech 2")),
				respToken(state(1), listMIC(mic(false, 1, []byte(kerberosList)))),
			},
			{respToken(state(0), listMIC(mic(true, 1, []byte(kerberosList)))), ""},
		}},
		{"Windows' client", acceptor(kerberos, ntlm), []step{{
			initToken(list(derMSKerberos, derKerberos, derNTLM), token("mech 1")),
			respToken(state(0), mech(derMSKerberos), token("mech 2")),
		}}},
		{"the second of two, without its token", acceptor(ntlm), []step{
			{initToken(both, token("of Kerberos")), respToken(state(3), mech(derNTLM))},
			{respToken(token("mech 1")), respToken(state(1), token("mech 2"))},
			{
				respToken(token("mech 3"), listMIC(mic(false, 1, []byte(both)))),
				respToken(state(0), listMIC(mic(true, 1, []byte(both)))),
			},
		}},
		{"the second of two, last token ours", acceptor(kerberos), []step{
			{initToken(list(derNTLM, derKerberos), token("of NTLM")), respToken(state(3), mech(derKerberos))},
			{
				respToken(state(1), token("mech 1")),
				respToken(state(1), token("mech 2"), listMIC(mic(true, 1, []byte(list(derNTLM, derKerberos))))),
			},
			{respToken(state(0), listMIC(mic(false, 1, []byte(list(derNTLM, derKerberos))))), ""},
		}},
		{"no optimistic token", acceptor(ntlm), []step{
			{initToken(ntlmList), respToken(state(1), mech(derNTLM))},
			{respToken(token("mech 1")), respToken(state(1), token("mech 2"))},
			{respToken(token("mech 3")), respToken(state(0))},
		}},
		{"flags and hints", acceptor(kerberos), []step{{
			initToken(kerberosList, der(0xa1, der(0x03, "\x01\x7c")), token("mech 1"), der(0xa3, der(0x30, der(0xa0, der(0x1b, "ignore"))))),
			respToken(state(0), mech(derKerberos), token("mech 2")),
		}}},
		{"a MIC at once", acceptor(legs(1)), []step{{
			initToken(kerberosList, token("mech 1"), listMIC(mic(false, 1, []byte(kerberosList)))),
			respToken(state(0), mech(derKerberos), listMIC(mic(true, 1, []byte(kerberosList)))),
		}}},
		{"a MIC after hints", acceptor(legs(1)), []step{{
			initToken(kerberosList, token("mech 1"), der(0xa3, der(0x30)), der(0xa4, der(0x04, string(mic(false, 1, []byte(kerberosList)))))),
			respToken(state(0), mech(derKerberos), listMIC(mic(true, 1, []byte(kerberosList)))),
		}}},
		{"names that are none of ours", acceptor(legs(1)), []step{
			{initToken(strange, token("of another")), respToken(state(3), mech(derKerberos))},
			{
				respToken(token("mech 1"), listMIC(mic(false, 1, []byte(strange)))),
				respToken(state(0), listMIC(mic(true, 1, []byte(strange)))),
			},
		}},
	}
}

func TestExchanges(t *testing.T) {
	for _, tt := range exchanges() {
		t.Run(tt.name, func(t *testing.T) {
			side := tt.side()
			for n, s := range tt.steps {
				if side.Context() != nil {
					t.Errorf("step %d: a context before the end", n)
				}
				var in []byte
				if s.in != "" {
					in = []byte(s.in)
				}
				got, err := side.Step(in)
				if err != nil {
					t.Fatalf("step %d: %v", n, err)
				}
				if string(got) != s.want {
					t.Fatalf("step %d: %x, want %x", n, got, s.want)
				}
			}
			if side.Context() == nil {
				t.Error("no context at the end")
			}
			if out, err := side.Step([]byte(respToken(state(1)))); err == nil || side.Context() != nil {
				t.Errorf("a token after the end: %x, %v, context %v", out, err, side.Context())
			}
		})
	}
}

// TestLastWord is for acceptors that answer the initiator's last word, and tell no more than that they are done.
func TestLastWord(t *testing.T) {
	done := respToken(state(0))
	tests := []struct {
		name string
		in   []string
		ok   bool
	}{
		{"one", []string{done}, true},
		{"two", []string{done, done}, false},
		{"waiting", []string{respToken(state(1))}, false},
		{"a second MIC", []string{respToken(state(0), listMIC(mic(true, 2, []byte(list(derKerberos)))))}, false},
		{"noise", []string{"noise"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := spnego.NewInitiator(kerberos(false))
			_, _ = i.Step(nil)
			_, err := i.Step([]byte(respToken(state(1), token("mech 2"), listMIC(mic(true, 1, []byte(list(derKerberos)))))))
			for _, in := range tt.in {
				if err != nil || i.Context() == nil {
					t.Fatalf("Step = %v, context %v", err, i.Context())
				}
				var out []byte
				if out, err = i.Step([]byte(in)); out != nil {
					t.Errorf("Step = %x, want no token", out)
				}
			}
			if (err == nil) != tt.ok || (i.Context() != nil) != tt.ok {
				t.Errorf("Step = %v, context %v", err, i.Context())
			}
		})
	}
}

// A refusal is a side, and what it is told until it refuses.
type refusal struct {
	name string
	side func() sealed.Handshake
	in   []string // "" is nil
	want string
}

// broken returns mechanisms that fail in their first step, in their MIC, and to name themselves.
func broken(step, mic error, oids ...asn1.ObjectIdentifier) func(bool) *fakeMech {
	return func(acceptor bool) *fakeMech {
		return &fakeMech{oids: oids, legs: 3, acceptor: acceptor, err: step, micErr: mic}
	}
}

func refusals() []refusal {
	first := initToken(list(derKerberos), token("mech 1"))
	wrong := []byte("a checksum of something else")
	return []refusal{
		{"a token before the first", initiator(ntlm), []string{respToken(state(0))}, "a token before the first"},
		{"nothing", initiator(ntlm), []string{"", ""}, "malformed"},
		{"noise", initiator(ntlm), []string{"", "NTLMSSP\x00\x02"}, "malformed"},
		{"an octet more", initiator(ntlm), []string{"", respToken(state(1)) + "x"}, "malformed"},
		{"an octet less", initiator(ntlm), []string{"", respToken(state(1))[:6]}, "malformed"},
		{"an octet more inside", initiator(ntlm), []string{"", der(0xa1, der(0x30, state(1)), "x")}, "malformed"},
		{"a field more", initiator(ntlm), []string{"", respToken(state(1), der(0xa4, der(0x04, "x")))}, "malformed"},
		{"fields in another order", initiator(ntlm), []string{"", respToken(token("x"), state(1))}, "malformed"},
		{"a field in two", initiator(ntlm), []string{"", respToken(der(0xa2, der(0x04, "x"), der(0x04, "y")))}, "malformed"},
		{"an unknown state", initiator(ntlm), []string{"", respToken(state(4))}, "malformed"},
		{"a long state", initiator(ntlm), []string{"", respToken(der(0xa0, der(0x0a, "\x01\x00")))}, "malformed"},
		{"an empty state", initiator(ntlm), []string{"", respToken(der(0xa0, der(0x0a)))}, "malformed"},
		{"a name that is none", initiator(ntlm), []string{"", respToken(state(1), mech(der(0x04, "x")))}, "malformed"},
		{"a name of too large a number", initiator(ntlm), []string{"", respToken(state(1), mech("\x06\x07\x2b\xff\xff\xff\xff\xff\x01"))}, "malformed"},
		{"two names", initiator(ntlm), []string{"", respToken(state(1), mech(derNTLM+derNTLM))}, "malformed"},
		{"another mechanism", initiator(ntlm), []string{"", respToken(state(1), mech(derKerberos))}, "selected mechanism 1.2.840.113554.1.2.2"},
		{"rejected", initiator(ntlm), []string{"", respToken(state(2))}, "rejected by the peer"},
		{"rejected with a reason", initiator(kerberos), []string{"", respToken(state(2), mech(derKerberos), token("skew"))}, `rejected by the peer: not the mechanism's next token: "skew"`},
		{"rejected with a token that is none", initiator(kerberos), []string{"", respToken(state(2), token("mech 2"))}, "rejected by the peer"},
		{"completed at once", initiator(ntlm), []string{"", respToken(state(0))}, "says completed, the mechanism is not"},
		{"completed too early", initiator(ntlm), []string{"", respToken(state(0), token("mech 2"))}, "says completed, the mechanism is not"},
		{"nothing of the mechanism", initiator(ntlm), []string{"", respToken(state(1), mech(derNTLM))}, "nothing is left to send"},
		{"the mechanism refuses", initiator(ntlm), []string{"", respToken(state(1), token("mech 3"))}, "not the mechanism's next token"},
		{"a token too many", initiator(ntlm), []string{"", respToken(state(1), token("mech 2")), respToken(state(0), token("mech 4"))}, "a mechanism that is complete"},
		{"waiting for ever", initiator(ntlm), []string{"", respToken(state(1), token("mech 2")), respToken(state(1))}, "nothing is left to send"},
		{"a MIC too early", initiator(legs(4)), []string{"", respToken(state(1), token("mech 2"), listMIC(wrong))}, "mechListMIC that is not due"},
		{"a wrong MIC", initiator(ntlm), []string{"", respToken(state(1), token("mech 2")), respToken(state(0), listMIC(wrong))}, "mechListMIC: another checksum"},
		{"a wrong MIC with the token", initiator(kerberos), []string{"", respToken(state(0), token("mech 2"), listMIC(wrong))}, "mechListMIC: another checksum"},
		{"our own MIC", initiator(ntlm), []string{"", respToken(state(1), token("mech 2")), respToken(state(0), listMIC(mic(false, 1, []byte(list(derNTLM)))))}, "mechListMIC: another checksum"},
		{"two MICs", initiator(kerberos), []string{
			"", respToken(state(1), token("mech 2"), listMIC(mic(true, 1, []byte(list(derKerberos))))),
			respToken(state(0), listMIC(mic(true, 2, []byte(list(derKerberos))))),
		}, "a token after the end"},
		{"two MICs, one early", initiator(kerberos), []string{
			"", respToken(state(3), token("mech 2")), respToken(state(1), listMIC(mic(true, 1, []byte(list(derKerberos))))),
		}, "nothing is left to send"},
		{"request-mic and none sent", initiator(ntlm), []string{"", respToken(state(3), token("mech 2")), respToken(state(0))}, "asked for mechListMIC and sends none"},
		{"no ticket", initiator(broken(errToken, nil, oidNTLM)), []string{""}, "not the mechanism's next token"},
		{"no name", initiator(broken(nil, nil, asn1.ObjectIdentifier{3})), []string{""}, "OID"},
		{"no MIC", initiator(broken(nil, errToken, oidNTLM)), []string{"", respToken(state(1), token("mech 2"))}, "mechListMIC: not"},

		{"acceptor: nothing", acceptor(ntlm), []string{""}, "malformed"},
		{"acceptor: raw NTLM", acceptor(ntlm), []string{"NTLMSSP\x00\x01"}, "malformed"},
		{"acceptor: another frame", acceptor(kerberos), []string{der(0x60, derKerberos, "\x01\x00x")}, "malformed"},
		{"acceptor: no first token", acceptor(ntlm), []string{respToken(state(1), token("mech 1"))}, "malformed"},
		{"acceptor: an octet more", acceptor(kerberos), []string{first + "x"}, "malformed"},
		{"acceptor: an octet more in the frame", acceptor(kerberos), []string{der(0x60, derSPNEGO, der(0xa0, der(0x30, der(0xa0, list(derKerberos)))), "x")}, "malformed"},
		{"acceptor: no list", acceptor(kerberos), []string{der(0x60, derSPNEGO, der(0xa0, der(0x30, token("mech 1"))))}, "malformed"},
		{"acceptor: a list that is none", acceptor(kerberos), []string{initToken(list("x"), token("mech 1"))}, "malformed"},
		{"acceptor: a field more", acceptor(kerberos), []string{initToken(list(derKerberos), der(0xa5, der(0x04, "x")))}, "malformed"},
		{"acceptor: an empty list", acceptor(kerberos), []string{initToken(list(), token("mech 1"))}, "no mechanism that is offered is supported"},
		{"acceptor: nothing in common", acceptor(kerberos), []string{initToken(list(derNTLM), token("mech 1"))}, "no mechanism that is offered is supported"},
		{"acceptor: the mechanism refuses", acceptor(kerberos), []string{initToken(list(derKerberos), token("mech 2"))}, "not the mechanism's next token"},
		{"acceptor: a MIC too early", acceptor(ntlm), []string{initToken(list(derNTLM), token("mech 1"), listMIC(wrong))}, "mechListMIC that is not due"},
		{"acceptor: a second that is a first", acceptor(ntlm), []string{initToken(list(derNTLM), token("mech 1")), first}, "malformed"},
		{"acceptor: a second of nothing", acceptor(ntlm), []string{initToken(list(derNTLM), token("mech 1")), respToken(state(1))}, "neither a mechanism's token nor a mechListMIC"},
		{"acceptor: a wrong MIC", acceptor(ntlm), []string{initToken(list(derNTLM), token("mech 1")), respToken(token("mech 3"), listMIC(wrong))}, "mechListMIC: another checksum"},
		{"acceptor: the MIC of another list", acceptor(ntlm), []string{
			initToken(list(derNTLM), token("mech 1")),
			respToken(token("mech 3"), listMIC(mic(false, 1, []byte(list(derKerberos, derNTLM))))),
		}, "mechListMIC: another checksum"},
		{"acceptor: no MIC", acceptor(broken(nil, errToken, oidNTLM)), []string{
			initToken(list(derNTLM), token("mech 1")),
			respToken(token("mech 3"), listMIC(mic(false, 1, []byte(list(derNTLM))))),
		}, "mechListMIC: not"},
		{"acceptor: rejected", acceptor(ntlm), []string{initToken(list(derNTLM), token("mech 1")), respToken(state(2))}, "rejected by the peer"},
		{"acceptor: a due MIC is missing", acceptor(ntlm), []string{
			initToken(list(derKerberos, derNTLM)), respToken(token("mech 1")), respToken(token("mech 3")),
		}, "mechListMIC is due and not sent"},
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range refusals() {
		t.Run(tt.name, func(t *testing.T) {
			side := tt.side()
			var out []byte
			var err error
			for n, s := range tt.in {
				if err != nil {
					t.Fatalf("step %d: %v", n-1, err)
				}
				var in []byte
				if s != "" {
					in = []byte(s)
				}
				out, err = side.Step(in)
			}
			if err == nil || !strings.HasPrefix(err.Error(), "SPNEGO: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Step = %v, want %q", err, tt.want)
			}
			if out != nil || side.Context() != nil {
				t.Errorf("Step returned %x and left context %v", out, side.Context())
			}
			if _, err := side.Step(nil); err == nil {
				t.Error("a step after an error works")
			}
		})
	}
}

// TestErrors reads the errors as a caller does.
func TestErrors(t *testing.T) {
	i := spnego.NewInitiator(kerberos(false))
	_, _ = i.Step(nil)
	_, err := i.Step([]byte(respToken(state(2), token("skew"))))
	if r, ok := errors.AsType[*spnego.RejectError](err); !ok || !errors.Is(r, errToken) {
		t.Errorf("a rejection is %v, want the mechanism's error in a RejectError", err)
	}
	i = spnego.NewInitiator(kerberos(false))
	_, _ = i.Step(nil)
	_, err = i.Step([]byte(respToken(state(1), mech(derNTLM))))
	if m, ok := errors.AsType[*spnego.MechanismError](err); !ok || !m.Selected.Equal(oidNTLM) {
		t.Errorf("another mechanism is %v, want a MechanismError with it", err)
	}
	_, err = spnego.NewAcceptor(kerberos(true)).Step([]byte(initToken(list(derNTLM))))
	if m, ok := errors.AsType[*spnego.MechanismError](err); !ok || m.Selected != nil {
		t.Errorf("no mechanism in common is %v, want a MechanismError without one", err)
	}
}

func TestIsToken(t *testing.T) {
	for in, want := range map[string]bool{
		initToken(list(derNTLM)):              true,
		respToken(state(1)):                   true,
		der(0x60, derKerberos, "\x01\x00"):    false,
		"NTLMSSP\x00\x01\x00\x00\x00":         false,
		der(0x60, derSPNEGO)[:6]:              false,
		der(0xa0, der(0x30)):                  false,
		"":                                    false,
		"\x60":                                false,
		der(0x6e, der(0x30, "a bare AP-REQ")): false,
	} {
		if got := spnego.IsToken([]byte(in)); got != want {
			t.Errorf("IsToken(%x) = %v, want %v", in, got, want)
		}
	}
}
