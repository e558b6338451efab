// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// strangers are names that a host writes to get at the user's credentials, and patterns that do not let it.
var strangers = []struct {
	name     string
	patterns []string
}{
	{"hv02:5986", []string{"hv02"}},
	{"http://x", []string{"x", "http*"}},
	{"hv02@evil", []string{"hv02*", "*.corp.example"}},
	{"hv02.corp.example.evil.example", []string{"*.corp.example", "hv02.corp.example", "hv02*", "hv*"}},
	{"evilcorp.example", []string{"*.corp.example", "corp.example"}},
	{"corp.example", []string{"*.corp.example"}},
	{"CORP.EXAMPLE.", []string{"*.corp.example"}},
	{"HV02.OTHER.EXAMPLE", []string{"*.corp.example"}},
	{"hv02.", []string{"hv02.corp.example"}},
	{"hv02.evil.example", []string{"hv*", "hv02", "*02", "hv02.*"}},
	{"a.b.evil.example", []string{"*.b.example", "a.*.example"}},
	{"127.1", []string{"127.*", "127.0.0.*", "127.0.0.1"}},
	{"0x7f000001", []string{"127.*", "0x*"}},
	{"2130706433", []string{"127.*", "2*"}},
	{"127.evil", []string{"127.*", "127.0.0.*"}},
	{"[::1]", []string{"::1", "::1*", "127.*"}},
	{"::1", []string{"127.*", "1*"}},
	{"::1%lo", []string{"::1", "::1*"}},
	{"::ffff:192.0.2.7", []string{"::1*", "::ffff:*"}},
	{"192.0.2.70", []string{"192.0.2.7", "*.2.7"}},
	{"hv02\\evil", []string{"hv02*"}},
	{"hv02/../x", []string{"hv02*"}},
	{"hv\u202e02", []string{"hv*"}},
	{"ｈｖ02", []string{"hv*", "hv02"}},
	{"hv02 ", []string{"hv02"}},
	{"hv02\n", []string{"hv02"}},
	{"", []string{"hv*"}},
	{"*", []string{"hv*"}},
	{"@/etc/passwd", []string{"hv*"}},
	{"-", []string{"hv*"}},
}

// TestBothEndsStrangers: nothing at all goes to a name that the operator has not named, not even to those who would resolve it.
func TestBothEndsStrangers(t *testing.T) {
	clearEnvironment(t)
	lookups := resolving(t)
	jobs := make([]wsmantest.Job, 1)
	for _, tt := range strangers {
		jobs[0] = moveAt(sourceJob, tt.name, saySource)
		m := newMigration(t, jobs, nil)
		args := []string{"127.0.0.1"}
		for _, p := range tt.patterns {
			args = append(args, "--trust-host", p)
		}
		d := m.json(t, args...)[0].Destination
		if d.Asked || d.URL != nil || text(d.Reason) == "null" {
			t.Errorf("%q against %q: %+v", tt.name, tt.patterns, d)
		}
		if n := lookups.Load(); n != 0 {
			t.Fatalf("%q against %q was looked up %d times", tt.name, tt.patterns, n)
		}
	}
	// A name that is trusted is looked up, so the test could see it.
	jobs[0] = moveAt(sourceJob, "HV02.Corp.Example.", saySource)
	if d := newMigration(t, jobs, nil).json(t, "127.0.0.1", "--trust-host", "*.corp.example")[0].Destination; !d.Asked || lookups.Load() == 0 {
		t.Errorf("a name that is trusted: %+v, %d lookups", d, lookups.Load())
	}
}

// resolving counts, from here on, who asks for the address of a name; nobody is told one.
func resolving(t *testing.T) *atomic.Int64 {
	t.Helper()
	var lookups atomic.Int64
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		lookups.Add(1)
		return nil, errors.New("no lookups here")
	}}
	t.Cleanup(func() { net.DefaultResolver = before })
	return &lookups
}

func TestTrustHost(t *testing.T) {
	t.Parallel()
	for _, tt := range strangers {
		for _, text := range tt.patterns {
			p, err := parseTrust(text)
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			if p.matches(tt.name) && !strings.ContainsAny(tt.name, "@:/[\\ \n\u202eｈ") && tt.name != "127.1" && !strings.HasPrefix(tt.name, "0x") && tt.name != "2130706433" {
				t.Errorf("%q matches %q", text, tt.name)
			}
		}
	}
	for _, tt := range []struct {
		pattern string
		names   []string
	}{
		{"hv02", []string{"hv02", "HV02"}},
		{"HV02.corp.example.", []string{"hv02.Corp.example"}},
		{"*.corp.example", []string{"hv02.corp.example", "HV02.CORP.EXAMPLE", "a.b.corp.example"}},
		{"hv*.corp.example", []string{"hv02.corp.example", "hv.corp.example"}},
		{"hv*", []string{"hv02", "hv"}},
		{"*01", []string{"hv01", "01"}},
		{"h*v*2", []string{"hv02", "hyperv-22"}},
		{"hv-münchen-*", []string{"HV-MÜNCHEN-02"}},
		{"hv-mu\u0308nchen-02", []string{"HV-MÜNCHEN-02"}},
		{"192.0.2.*", []string{"192.0.2.7"}},
		{"192.0.2.7", []string{"192.0.2.7"}},
		{"10.*", []string{"10.1.2.3"}},
		{"::ffff:192.0.2.7", []string{"192.0.2.7"}},
		{"2001:DB8:0::7", []string{"2001:db8::7"}},
		{"2001:db8:*", []string{"2001:db8::7"}},
	} {
		p, err := parseTrust(tt.pattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		for _, name := range tt.names {
			if !p.matches(name) {
				t.Errorf("%q does not match %q", tt.pattern, name)
			}
		}
	}
}

// TestTrustHostUsage: what is no pattern, or would trust everybody, is refused before anything is sent.
func TestTrustHostUsage(t *testing.T) {
	clearEnvironment(t)
	t.Setenv(passwordVariable, password)
	t.Setenv(variable("trust-host"), "hv02") // has no meaning
	for _, tt := range []struct{ pattern, stderr string }{
		{"", "is empty"},
		{".", "is empty"},
		{"*", "every host"},
		{"**", "every host"},
		{"*.*", "every host"},
		{"*-*", "every host"},
		{"[a-z]*", "neither a host name nor an address"},
		{`hv\*`, "neither a host name nor an address"},
		{"hv0?", "neither a host name nor an address"},
		{"{hv01,hv02}", "neither a host name nor an address"},
		{"http://hv02", "neither a host name nor an address"},
		{"hv02/wsman", "neither a host name nor an address"},
		{"user@hv02", "neither a host name nor an address"},
		{"hv01 hv02", "neither a host name nor an address"},
		{"hv02:5986", "is not an address"},
		{"[::1]", "neither a host name nor an address"},
		{"127.1", "is not an address"},
		{"fe80::1%eth0", "neither a host name nor an address"},
		{"hv02..example", "empty label"},
		{".corp.example", "empty label"},
		{"*..example", "empty label"},
		{"hv\u202e02", "neither a host name nor an address"},
	} {
		got := invokeRun(t.Context(), strings.NewReader(""), "get", "--both-ends", "--trust-host", tt.pattern, "-u", "x", "127.0.0.1:1")
		if got.code != exitUsage || !strings.Contains(got.stderr, tt.stderr) || got.stdout != "" {
			t.Errorf("--trust-host %q: exit %d, %q, want %q", tt.pattern, got.code, got.stderr, tt.stderr)
		}
	}
	for _, args := range [][]string{
		{"--trust-host", "hv02"}, {"--both-ends", "--raw"}, {"--both-ends", "--method", "GetError"},
	} {
		got := invokeRun(t.Context(), strings.NewReader(""), append([]string{"get", "-u", "x", "127.0.0.1:1"}, args...)...)
		if got.code != exitUsage {
			t.Errorf("%q: exit %d, %q", args, got.code, got.stderr)
		}
	}
}

// FuzzTrustHost: a pattern without * matches itself and what differs in case alone; one of a name matches no address, and the reverse;
// whatever matches *.zone ends in .zone.
func FuzzTrustHost(f *testing.F) {
	for _, tt := range strangers {
		for _, p := range tt.patterns {
			f.Add(p, tt.name)
		}
	}
	f.Add("*.corp.example", "a.b.CORP.example")
	f.Add("h**v*0*2", "hv02")
	f.Add("2001:db8:*", "2001:db8::7")
	f.Fuzz(func(t *testing.T, text, name string) {
		p, err := parseTrust(text)
		if err != nil {
			if !has[*usageError](err) {
				t.Errorf("the error of %q is %v", text, err)
			}
			return
		}
		_, notAddress := netip.ParseAddr(name)
		matches := p.matches(name)
		if matches && (p.address == "") != (notAddress != nil) {
			t.Errorf("%q matches %q", text, name)
		}
		if p.address == "" && !strings.Contains(text, "*") && matches != slices.Equal(p.labels, strings.Split(foldHost(strings.TrimSuffix(name, ".")), ".")) {
			t.Errorf("%q matches %q: %t", text, name, matches)
		}
		zone, below := strings.CutPrefix(text, "*.")
		if below && matches && p.address == "" && !strings.Contains(zone, "*") {
			if folded := foldHost(strings.TrimSuffix(name, ".")); !strings.HasSuffix(folded, "."+strings.Join(p.labels, ".")) {
				t.Errorf("%q matches %q", text, name)
			}
		}
	})
}
