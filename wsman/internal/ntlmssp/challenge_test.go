package ntlmssp_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/internal/ntlmssp"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

var end = av(0, "")

// TestChallenge gives a client challenges that are odd but legal, and compares what follows the first 28 octets of its
// NTLMv2 response, which is the AV pairs, and the LM response.
func TestChallenge(t *testing.T) {
	mic, target, zero := av(6, "\x02\x00\x00\x00"), av(9, "H\x00T\x00T\x00P\x00/\x00h\x00v\x000\x001\x00"), []byte{0, 0, 0, 0}
	bindings := &sealed.ChannelBindings{7: 0xff}
	stamp := av(7, "\x01\x02\x03\x04\x05\x06\x07\x08")
	domain, computer, unknown := av(2, "D\x00"), av(1, "C\x00"), av(0x7777, "?")
	for _, tt := range []struct {
		name       string
		flags      uint32
		info, want []byte
		bindings   *sealed.ChannelBindings
		lm         bool
	}{
		{"nothing", fullFlags, end, join(mic, target, end, zero), nil, true},
		{"names", fullFlags, join(domain, computer, end), join(domain, computer, mic, target, end, zero), nil, true},
		{"timestamp", fullFlags, join(domain, stamp, end), join(domain, stamp, mic, target, end, zero), nil, false},
		{"unordered", fullFlags, join(stamp, computer, domain, end), join(stamp, computer, domain, mic, target, end, zero), nil, false},
		{"unknown", fullFlags, join(unknown, stamp, unknown, end), join(unknown, stamp, unknown, mic, target, end, zero), nil, false},
		{"after the end", fullFlags, join(domain, end, []byte("rest")), join(domain, mic, target, end, zero), nil, true},
		{"flags of its own", fullFlags, join(av(6, "\x01\x00\x00\x00"), domain, end), join(domain, av(6, "\x03\x00\x00\x00"), target, end, zero), nil, true},
		{"bindings", fullFlags, join(domain, end), join(domain, mic, av(10, string(bindings[:])), target, end, zero), bindings, true},
		{"bindings put into our mouth", fullFlags, join(av(10, strings.Repeat("x", 16)), end), join(mic, target, end, zero), nil, true},
		{"another target", fullFlags, join(av(9, "x\x00"), end), join(mic, target, end, zero), nil, true},
		{"OEM as well", fullFlags | 2, join(domain, end), join(domain, mic, target, end, zero), nil, true},
		{"all flags", 0xffffffff, join(domain, end), join(domain, mic, target, end, zero), nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc := clientConfig()
			cc.ChannelBindings = tt.bindings
			c := ntlmssp.NewClient(cc)
			step(t, c, nil)
			// An OEM target name that reaches out of the message: nothing depends on it.
			challenge := rawChallenge(tt.flags, tt.info)
			binary.LittleEndian.PutUint16(challenge[12:], 4)
			binary.LittleEndian.PutUint32(challenge[16:], 1<<31)
			auth := step(t, c, challenge)
			// What was asked for and granted, and nothing else.
			if got, want := binary.LittleEndian.Uint32(auth[60:]), tt.flags&0xe2888235; got != want {
				t.Errorf("flags %#x, want %#x", got, want)
			}
			lm, nt := part(auth, 12), part(auth, 20)
			if got := nt[16+28:]; !bytes.Equal(got, tt.want) {
				t.Errorf("AV pairs %x, want %x", got, tt.want)
			}
			if got := !bytes.Equal(lm, make([]byte, 24)); got != tt.lm {
				t.Errorf("LM response %x", lm)
			}
			// The server's timestamp if there is one, else the client's.
			want := "\x01\x02\x03\x04\x05\x06\x07\x08"
			if tt.lm {
				want = "\x00\x20\xcb\xeb\xac\x9f\xda\x01" // noon
			}
			if got := string(nt[16+8 : 16+16]); got != want {
				t.Errorf("timestamp %x, want %x", got, want)
			}
		})
	}
}

// part returns the payload that a message describes at position at.
func part(b []byte, at int) []byte {
	offset := binary.LittleEndian.Uint32(b[at+4:])
	return b[offset : offset+uint32(binary.LittleEndian.Uint16(b[at:]))]
}

// TestChallengeRefused gives a client challenges that are broken.
func TestChallengeRefused(t *testing.T) {
	good := rawChallenge(fullFlags, join(av(2, "D\x00"), end))
	set16 := func(at int, v uint16) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint16(b[at:], v)
		return b
	}
	for name, challenge := range map[string][]byte{
		"nothing":                    nil,
		"empty":                      {},
		"no signature":               bytes.Replace(good, []byte("NTLM"), []byte("NTLN"), 1),
		"signature alone":            good[:8],
		"a NEGOTIATE":                set16(8, 1),
		"an AUTHENTICATE":            set16(8, 3),
		"no flags":                   good[:20],
		"no target info field":       good[:47],
		"info beyond the end":        set16(40, uint16(len(good))),
		"info begins beyond the end": set16(46, 0xffff),
		"no info":                    set16(40, 0),
		"info without an end":        rawChallenge(fullFlags, av(2, "D\x00")),
		"half a pair":                rawChallenge(fullFlags, []byte{2, 0, 0}),
		"a pair beyond the end":      rawChallenge(fullFlags, join(av(2, "")[:2], []byte{0xff, 0xff}, end)),
		"a short timestamp":          rawChallenge(fullFlags, join(av(7, "1234567"), end)),
		"an empty timestamp":         rawChallenge(fullFlags, join(av(7, ""), end)),
		"short flags":                rawChallenge(fullFlags, join(av(6, "\x01\x00"), end)),
		"more than an answer holds":  rawChallenge(fullFlags, join(av(2, strings.Repeat("x", 65500)), end)),
	} {
		c := ntlmssp.NewClient(clientConfig())
		step(t, c, nil)
		if out, err := c.Step(challenge); err == nil || out != nil || c.Context() != nil {
			t.Errorf("%s: Step = %x, %v", name, out, err)
		}
	}
}

// TestConfigRefused has what cannot be said in NTLM.
func TestConfigRefused(t *testing.T) {
	long, bad := strings.Repeat("x", 40_000), "bad\xff"
	challenge := rawChallenge(fullFlags, end)
	for name, change := range map[string]func(*ntlmssp.ClientConfig){
		"user too long":        func(c *ntlmssp.ClientConfig) { c.User = long },
		"domain too long":      func(c *ntlmssp.ClientConfig) { c.Domain = long },
		"workstation too long": func(c *ntlmssp.ClientConfig) { c.Workstation = long },
		"target too long":      func(c *ntlmssp.ClientConfig) { c.TargetName = long },
		"user not UTF-8":       func(c *ntlmssp.ClientConfig) { c.User = bad },
		"domain not UTF-8":     func(c *ntlmssp.ClientConfig) { c.Domain = bad },
		"target not UTF-8":     func(c *ntlmssp.ClientConfig) { c.TargetName = bad },
		"password not UTF-8":   func(c *ntlmssp.ClientConfig) { c.Password = func() string { return password + bad } },
	} {
		cc := clientConfig()
		change(&cc)
		c := ntlmssp.NewClient(cc)
		step(t, c, nil)
		out, err := c.Step(challenge)
		if err == nil || out != nil || c.Context() != nil {
			t.Errorf("%s: Step = %.40x, %v", name, out, err)
		} else if strings.Contains(err.Error(), password) || len(err.Error()) > 200 {
			t.Errorf("%s: error %.300q", name, err)
		}
	}
	_, _, negotiate, _, _ := tokens(t, clientConfig(), serverConfig())
	for _, computer := range []string{long, bad} {
		sc := serverConfig()
		sc.ComputerName = computer
		if out, err := ntlmssp.NewServer(sc).Step(negotiate); err == nil || out != nil {
			t.Errorf("server %.10q: %.40x, %v", computer, out, err)
		}
	}
}
