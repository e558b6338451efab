package krb5_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman/internal/krb5"
)

// The shapes that Linux distributions install, in our own words.
const (
	confDebian = `[libdefaults]
	default_realm = CORP.EXAMPLE

# only some programs read this
	kdc_timesync = 1
	forwardable = true
	fcc-mit-ticketflags = true

[realms]
	CORP.EXAMPLE = {
		kdc = dc1.corp.example
		kdc = dc2.corp.example:8088
		kdc = tcp/dc3.corp.example
		kdc = [2001:db8::1]:88
		admin_server = dc1.corp.example
		default_domain = corp.example
	}
	LAB.EXAMPLE = {
		admin_server = dc.lab.example
	}

[domain_realm]
	.corp.example = CORP.EXAMPLE
	hv09.corp.example = LAB.EXAMPLE
`
	confRedHat = `# comments first
includedir /etc/krb5.conf.d/

[logging]
    default = FILE:/var/log/krb5libs.log
[libdefaults]
    dns_lookup_realm = false
    ; another comment
    rdns = false
    spake_preauth_groups = edwards25519
    default_ccache_name = KEYRING:persistent:%{uid}
    clockskew = 120

[realms]
# EXAMPLE.COM = {
#     kdc = kerberos.example.com
# }
`
)

func TestParseConf(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		name string
		in   string
		want krb5.Conf
		err  string
	}{
		{name: "empty"},
		{name: "Debian", in: confDebian, want: krb5.Conf{
			DefaultRealm: "CORP.EXAMPLE",
			KDCs: map[string][]string{
				"CORP.EXAMPLE": {"dc1.corp.example", "dc2.corp.example:8088", "tcp/dc3.corp.example", "[2001:db8::1]:88"},
			},
			DomainRealm: map[string]string{".corp.example": "CORP.EXAMPLE", "hv09.corp.example": "LAB.EXAMPLE"},
		}},
		{name: "Red Hat", in: confRedHat, want: krb5.Conf{
			DefaultRealm: "SNIPPET.EXAMPLE", DNSLookupKDC: &no, DefaultCCacheName: "KEYRING:persistent:%{uid}", ClockSkew: 2 * time.Minute,
		}},
		{name: "CRLF, BOM, no line at the end", in: "\uFEFF[libdefaults]\r\n default_realm = A\r\n[realms]\r\n A = {\r\n kdc = x\r\n }\r\n[domain_realm]\r\n.A.Example=A", want: krb5.Conf{
			DefaultRealm: "A", KDCs: map[string][]string{"A": {"x"}}, DomainRealm: map[string]string{".a.example": "A"},
		}},
		{name: "braces anywhere", in: `
[libdefaults]
	A = {
		default_realm = WRONG
		deeper = {
			kdc = wrong
		}
	}
	dns_lookup_kdc = Yes
[realms]
	A = {
		auth_to_local_names = {
			kdc = wrong
			x = { 
				y = z
			}
		}
		kdc = right
	}
	kdc = wrong
[capaths]
	A = {
		kdc = wrong
	}
`, want: krb5.Conf{DNSLookupKDC: &yes, KDCs: map[string][]string{"A": {"right"}}}},
		{name: "two realms", in: "[realms]\nA = {\nkdc = x\n}\nB = {\nkdc = y\n}\n", want: krb5.Conf{KDCs: map[string][]string{"A": {"x"}, "B": {"y"}}}},
		{name: "brace on the next line", in: "[realms]\nA =\n\n {\nkdc = x\n}\n", want: krb5.Conf{KDCs: map[string][]string{"A": {"x"}}}},
		{name: "repeated", in: `
[realms]
A = {
	kdc = one
}
[libdefaults]
default_realm = FIRST
default_realm = SECOND
[realms]
A = {
	kdc = two
}
[domain_realm]
h = A
H = B
[libdefaults]
default_realm = THIRD
`, want: krb5.Conf{DefaultRealm: "FIRST", KDCs: map[string][]string{"A": {"one", "two"}}, DomainRealm: map[string]string{"h": "A"}}},
		{name: "final", in: "[libdefaults]* \ndefault_realm* = A\n[realms]*\nA* = {\nkdc* = x\n}*\n", want: krb5.Conf{
			DefaultRealm: "A", KDCs: map[string][]string{"A": {"x"}},
		}},
		{name: "quotes", in: `[libdefaults]
default_realm = "A \"B\"\tC\\\x" ignored
default_ccache_name = "unfinished\`, want: krb5.Conf{DefaultRealm: "A \"B\"\tC\\x", DefaultCCacheName: `unfinished\`}},
		{name: "comments are lines", in: "[libdefaults]\n  # default_realm = X\n;default_realm = Y\ndefault_realm = A # B\n", want: krb5.Conf{DefaultRealm: "A # B"}},
		{name: "before the first section", in: "module /lib/x.so:y\n}\nwhatever\n[libdefaults]\ndefault_realm = A\n", want: krb5.Conf{DefaultRealm: "A"}},
		{name: "what cannot be read is absent", in: "[libdefaults]\nclockskew = 5m\ndns_lookup_kdc = perhaps\nclockskew = 99999999999999999999\n"},
		{name: "include", in: "include /one\n[libdefaults]\n include = x\nincluded = y\ndefault_realm = B\n", want: krb5.Conf{
			DefaultRealm: "ONE", KDCs: map[string][]string{"ONE": {"x"}},
		}},
		{name: "include between", in: "[libdefaults]\ninclude\t/one \t\ndefault_realm = B\ndefault_ccache_name = still libdefaults", want: krb5.Conf{
			DefaultRealm: "ONE", KDCs: map[string][]string{"ONE": {"x"}}, DefaultCCacheName: "still libdefaults",
		}},

		{name: "section", in: "\n[libdefaults\n", err: `line 2: "[libdefaults" is no section`},
		{name: "after a section", in: "[a] b", err: `line 1: "[a] b" is no section`},
		{name: "section within a brace", in: "[a]\nb = {\n[c]\n", err: `line 3: section "c" within a brace`},
		{name: "closed twice", in: "[a]\nb = {\n}\n}\n", err: "line 4: a brace is closed that was not opened"},
		{name: "never closed", in: "[a]\nb = {\n", err: "the last brace is never closed"},
		{name: "never opened", in: "[a]\nb =\n", err: "the last brace is never closed"},
		{name: "no value", in: "[a]\nb =\nc = d\n", err: `line 3: "b" has no value and no brace`},
		{name: "no equals sign", in: "[a]\nb\n", err: `line 2: "b" is neither a section nor TAG = VALUE`},
		{name: "two tags", in: "[a]\nb c = d\n", err: `line 2: "b c = d" is neither a section nor TAG = VALUE`},
		{name: "no tag", in: "[a]\n= d\n", err: `line 2: "= d" is neither a section nor TAG = VALUE`},
		{name: "control characters", in: "[a]\nb\x1b[2J\n", err: `line 2: "b\x1b[2J" is neither`},
		{name: "include fails", in: "\ninclude /none\n", err: `line 2: include of "/none": not there`},
		{name: "file of a folder", in: "includedir /gone\n", err: `line 1: include of "/nowhere": not there`},
		{name: "no folder", in: "includedir /none\n", err: `line 1: include of "/none": not there`},
		{name: "wrong within include", in: "\ninclude /wrong\n", err: `line 2: include of "/wrong": line 2: "x" is neither`},
		{name: "brace over the end of an include", in: "include /open\n}\n", err: `line 1: include of "/open": the last brace is never closed`},
		{name: "endless include", in: "include /self\n", err: "more than 64 files are included"},
		{name: "too many", in: "includedir /many\n", err: "more than 64 files are included"},
		{name: "too long", in: strings.Repeat("#", 1<<20+1), err: "longer than 1048576 octets"},
		{name: "too long together", in: "include /long\ninclude /long\n", err: "longer than 1048576 octets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := krb5.ParseConf([]byte(tt.in), confFiles())
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || got != nil {
					t.Errorf("ParseConf = %v, %v; want error %q", got, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&tt.want, got, cmp.Comparer(sameMap[string]), cmp.Comparer(sameMap[[]string])); d != "" {
				t.Errorf("ParseConf (-want +got):\n%s", d)
			}
		})
	}
	if _, err := krb5.ParseConf([]byte("include /one\n"), nil); err == nil {
		t.Error("an include without a reader of includes is no error")
	}
}

// sameMap compares maps, an empty one being none.
func sameMap[V any](a, b map[string]V) bool {
	return len(a) == 0 && len(b) == 0 || cmp.Equal(a, b)
}

// confFiles are the files that the tests include.
func confFiles() *krb5.ConfIncluder {
	files := map[string]string{
		"/etc/krb5.conf.d/a": "[libdefaults]\ndefault_realm = SNIPPET.EXAMPLE\n",
		"/etc/krb5.conf.d/b": "[libdefaults]\ndns_lookup_kdc = off\n",
		"/one":               "default_realm = NOT IN A SECTION\n[libdefaults]\ndefault_realm = ONE\n[realms]\nONE = {\nkdc = x\n}\n",
		"/wrong":             "[a]\nx\n",
		"/open":              "[a]\nb = {\n",
		"/self":              "include /self\n",
		"/long":              strings.Repeat(" ", 600<<10),
		"/empty":             "",
		"/d/self":            "includedir /d\n",
	}
	dirs := map[string][]string{
		"/etc/krb5.conf.d/": {"/etc/krb5.conf.d/a", "/etc/krb5.conf.d/b"},
		"/many":             slices.Repeat([]string{"/empty"}, 65),
		"/gone":             {"/one", "/nowhere"},
		"/d":                slices.Concat([]string{"/d/self"}, slices.Repeat([]string{"/long"}, 63)),
	}
	notThere := errors.New("not there")
	return &krb5.ConfIncluder{
		Dir: func(path string) ([]string, error) {
			if dirs[path] == nil {
				return nil, notThere
			}
			return dirs[path], nil
		},
		File: func(path string, most int) ([]byte, error) {
			text, ok := files[path]
			if !ok {
				return nil, notThere
			}
			return []byte(text[:min(len(text), most)]), nil
		},
	}
}

// TestParseConfReads: no file is read beyond the bounds, whatever includes what.
func TestParseConfReads(t *testing.T) {
	for in, want := range map[string]struct {
		files, octets int
		err           string
	}{
		"includedir /d\n": {64, 64 * len("includedir /d\n"), "more than 64 files are included"},
		"include /long\ninclude /long\ninclude /long\n": {
			2, krb5.MaxConfSize + 1 - 3*len("include /long\n"), "longer than 1048576 octets, with all that it includes",
		},
	} {
		var files, octets int
		include := confFiles()
		read := include.File
		include.File = func(path string, most int) ([]byte, error) {
			text, err := read(path, most)
			files++
			octets += len(text)
			return text, err
		}
		_, err := krb5.ParseConf([]byte(in), include)
		if err == nil || !strings.Contains(err.Error(), want.err) || files != want.files || octets != want.octets {
			t.Errorf("ParseConf(%q) = %v after %d octets of %d files, want %q after %d of %d", in, err, octets, files, want.err, want.octets, want.files)
		}
	}
}

func TestConfRealmOf(t *testing.T) {
	c := &krb5.Conf{DomainRealm: map[string]string{
		".corp.example": "CORP", "hv09.corp.example": "LAB", "only.example": "ONLY", ".0.0.1": "WRONG", "example": "TOP",
	}}
	for host, want := range map[string]string{
		"hv01.corp.example": "CORP", "HV01.Corp.Example.": "CORP", "a.b.corp.example": "CORP", "hv09.corp.example": "LAB",
		"x.hv09.corp.example": "LAB", "corp.example": "TOP", "only.example": "ONLY", "127.0.0.1": "", "::1": "", "hv01": "", "": "", ".": "", "..": "",
	} {
		if got := c.RealmOf(host); got != want {
			t.Errorf("RealmOf(%q) = %q, want %q", host, got, want)
		}
	}
}

func TestConfJoin(t *testing.T) {
	yes, no := true, false
	first := krb5.Conf{
		DefaultRealm: "A", KDCs: map[string][]string{"A": {"a1"}, "B": {"b1"}}, DomainRealm: map[string]string{"h": "A"}, DNSLookupKDC: &yes,
	}
	second := krb5.Conf{
		DefaultRealm: "B", KDCs: map[string][]string{"B": {"b2"}, "C": {"c1"}}, DomainRealm: map[string]string{"h": "B", "i": "B"},
		DNSLookupKDC: &no, DefaultCCacheName: "FILE:x", ClockSkew: time.Second,
	}
	want := krb5.Conf{
		DefaultRealm: "A", KDCs: map[string][]string{"A": {"a1"}, "B": {"b1", "b2"}, "C": {"c1"}}, DomainRealm: map[string]string{"h": "A", "i": "B"},
		DNSLookupKDC: &yes, DefaultCCacheName: "FILE:x", ClockSkew: time.Second,
	}
	var got krb5.Conf
	got.Join(&first)
	got.Join(&second)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Join (-want +got):\n%s", d)
	}
}

func FuzzParseConf(f *testing.F) {
	f.Add([]byte(confDebian))
	f.Add([]byte(confRedHat))
	f.Add([]byte("[realms]*\nA* =\n{\nkdc = \"x\\\"\"\nb = {\n}\n}\n"))
	f.Add([]byte("include /self\n[a]\n}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := krb5.ParseConf(in, confFiles())
		if (c == nil) == (err == nil) {
			t.Fatalf("ParseConf = %v, %v", c, err)
		}
		if err != nil {
			return
		}
		for realm, kdcs := range c.KDCs {
			if len(kdcs) == 0 {
				t.Errorf("realm %q without KDCs", realm)
			}
		}
		_ = c.RealmOf(string(in))
	})
}
