// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// told is a listed host as tests write it.
type told struct {
	Arg, Name, Where string
	Override         override
	Err              string // a part of the message
}

func tell(list []listed) []told {
	var all []told
	for _, l := range list {
		text := ""
		if l.err != nil {
			text = l.err.Error()
		}
		all = append(all, told{l.arg, l.name, l.where, l.override, text})
	}
	return all
}

func TestParseHostList(t *testing.T) {
	t.Parallel()
	const possible = "; possible are port=, https=, user=, auth= and spn="
	for _, tt := range []struct {
		name, in string
		want     []told
		err      string
	}{
		{name: "empty"},
		{name: "comments and blanks", in: "# all\n\n  \t\r\n   # more\n#hv01\n"},
		{name: "names", in: "hv01\nhv02:5986  \r\n\t[::1]:443\nhttps://hv03/wsman # a comment\nhv04#5\nhv05 #", want: []told{
			{Arg: "hv01", Where: "f:1"},
			{Arg: "hv02:5986", Where: "f:2"},
			{Arg: "[::1]:443", Where: "f:3"},
			{Arg: "https://hv03/wsman", Where: "f:4"},
			{Arg: "hv04#5", Where: "f:5"}, // it is no host, which is for splitHost to say
			{Arg: "hv05", Where: "f:6"},
		}},
		{
			name: "overrides", in: `hv01 port=5985 auth=ntlm  user="CORP\hv reader" https=false spn=HTTP/hv01.example.com` + "\nhv02 user=CORP\\x#y # z\nhv03 user=\"a # b\"",
			want: []told{
				{Arg: "hv01", Where: "f:1", Override: override{port: 5985, https: "false", user: `CORP\hv reader`, auth: "ntlm", spn: "HTTP/hv01.example.com"}},
				{Arg: "hv02", Where: "f:2", Override: override{user: `CORP\x#y`}},
				{Arg: "hv03", Where: "f:3", Override: override{user: "a # b"}},
			},
		},
		{name: "not the values", in: "hv01 password=hunter2\nhv01 hunter2\nhv01 Hunter2=x\nhv01 hunter-two-three-four=x\nhv01 =x", want: []told{
			{Arg: "hv01", Where: "f:1", Err: "password= is not possible" + possible},
			{Arg: "hv01", Where: "f:2", Err: "what follows HOST is not KEY=VALUE" + possible},
			{Arg: "hv01", Where: "f:3", Err: "a key is not known" + possible},
			{Arg: "hv01", Where: "f:4", Err: "a key is not known" + possible},
			{Arg: "hv01", Where: "f:5", Err: "a key is not known" + possible},
		}},
		{name: "values", in: "h port=0\nh port=65536\nh port=+1\nh port=\nh https=yes\nh auth=foo\nh user=\nh user=\"\"\nh user=a user=b\nh port=1 port=1\nh user=\"a\x01\"", want: []told{
			{Arg: "h", Where: "f:1", Err: "port= is not 1 to 65535"},
			{Arg: "h", Where: "f:2", Err: "port= is not 1 to 65535"},
			{Arg: "h", Where: "f:3", Err: "port= is not 1 to 65535"},
			{Arg: "h", Where: "f:4", Err: "port= is empty; its value follows without a blank"},
			{Arg: "h", Where: "f:5", Err: "https= is neither true nor false"},
			{Arg: "h", Where: "f:6", Err: "auth= is none of auto, kerberos, negotiate, ntlm, basic, certificate"},
			{Arg: "h", Where: "f:7", Err: "user= is empty; its value follows without a blank"},
			{Arg: "h", Where: "f:8", Err: "user= is empty; its value follows without a blank"},
			{Arg: "h", Where: "f:9", Override: override{user: "a"}, Err: "user= is there twice"},
			{Arg: "h", Where: "f:10", Override: override{port: 1}, Err: "port= is there twice"},
			{Arg: "h", Where: "f:11", Err: "user= holds a control character"},
		}},
		{name: "a blank behind =", in: "h port= 5985\nh auth= ntlm", want: []told{
			{Arg: "h", Where: "f:1", Err: "port= is empty; its value follows without a blank"},
			{Arg: "h", Where: "f:2", Err: "auth= is empty; its value follows without a blank"},
		}},
		{name: "quotes", in: "h user=\"a\nh user=\"a\"b\n\nuser=x\n@more\n-\nport=1 hv01", want: []told{
			{Where: "f:1", Err: `a " has no end`},
			{Where: "f:2", Err: `a blank is missing behind a "`},
			{Arg: "user=x", Where: "f:4", Err: "the line does not begin with HOST"},
			{Arg: "@more", Where: "f:5", Err: "a list cannot name another list"},
			{Arg: "-", Where: "f:6", Err: "a list cannot name another list"},
			{Arg: "port=1", Where: "f:7", Err: "the line does not begin with HOST"},
		}},
		{name: "a long line", in: strings.Repeat("x", 1<<20) + "\nhv01", want: []told{
			{Where: "f:1", Err: "the line is longer than 4 KiB"},
			{Arg: "hv01", Where: "f:2"},
		}},
		{name: "binary", in: "hv01\n\x00\x01", err: "no text in UTF-8"},
		{name: "Latin-1", in: "m\xfcnchen", err: "no text in UTF-8"},
		{name: "too many", in: strings.Repeat("h\n", maxHosts+1), err: "more than 100,000 hosts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			list, err := parseHostList("f", []byte(tt.in))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("parseHostList(%q) = %v, want an error about %q", tt.in, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("parseHostList(%q): %v", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, tell(list), cmp.AllowUnexported(override{})); diff != "" {
				t.Errorf("parseHostList(%q), -want +got:\n%s", tt.in, diff)
			}
		})
	}
}

// FuzzParseHostList: what is read of a line can be written again, and is read as the same; no message repeats a value.
func FuzzParseHostList(f *testing.F) {
	for _, s := range []string{
		"hv01\n", "hv01 port=1 https=true user=\"a b\" auth=ntlm spn=x # y\r\n", "# x", "h user=\"", "h x=hunter2", "\xef\xbb\xbfh", "h\x00", "h\u2028i",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := parseHostList("f", raw)
		if err != nil {
			if list != nil {
				t.Errorf("%d hosts beside %v", len(list), err)
			}
			return
		}
		for _, l := range list {
			if l.err != nil {
				continue
			}
			if l.arg == "" || !utf8.ValidString(l.arg) {
				t.Fatalf("HOST is %q", l.arg)
			}
			if strings.Contains(l.arg, "=") {
				continue // it may be quoted, and is no host
			}
			again := listed{where: l.where}
			line := l.arg + overrideLine(&l.override)
			if err := again.parse(line); err != nil || again.arg != l.arg || again.override != l.override {
				t.Errorf("parse(%q) = %+v, %v; want %+v", line, again, err, l)
			}
		}
	})
}

// overrideLine writes an override as a list has it.
func overrideLine(o *override) string {
	var b strings.Builder
	if o.port != 0 {
		fmt.Fprintf(&b, " port=%d", o.port)
	}
	for _, kv := range [][2]string{{"https", o.https}, {"user", o.user}, {"auth", o.auth}, {"spn", o.spn}} {
		switch {
		case kv[1] == "":
		case strings.Contains(kv[1], `"`): // then there is no blank in it
			fmt.Fprintf(&b, " %s=%s", kv[0], kv[1])
		default:
			fmt.Fprintf(&b, ` %s="%s"`, kv[0], kv[1])
		}
	}
	return b.String()
}
