// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"net/url"
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	secret := hostRule{secret: true}
	for _, tt := range []struct {
		arg  string
		rule hostRule
		name string
		url  string
		err  string // a part of the message
	}{
		// An authentication that needs it makes it https.
		{arg: "hv01", rule: secret, name: "hv01", url: "https://hv01:5986/wsman"},
		{arg: "hv01", name: "hv01", url: "http://hv01:5985/wsman"},
		{arg: "hv01.example.com", rule: hostRule{tlsFlag: "tls-pin"}, name: "hv01.example.com", url: "https://hv01.example.com:5986/wsman"},
		// The port chooses.
		{arg: "hv01:5986", name: "hv01", url: "https://hv01:5986/wsman"},
		{arg: "hv01:443", name: "hv01", url: "https://hv01:443/wsman"},
		{arg: "hv01:5985", rule: secret, name: "hv01", url: "http://hv01:5985/wsman"},
		{arg: "hv01:80", rule: secret, name: "hv01", url: "http://hv01:80/wsman"},
		{arg: "hv01:8443", rule: secret, name: "hv01", url: "https://hv01:8443/wsman"},
		{arg: "hv01", rule: hostRule{port: 5986, portTyped: true}, name: "hv01", url: "https://hv01:5986/wsman"},
		{arg: "hv01", rule: hostRule{port: 5985, portTyped: true, secret: true}, name: "hv01", url: "http://hv01:5985/wsman"},
		{arg: "hv01", rule: hostRule{port: 5985, secret: true}, name: "hv01", url: "https://hv01:5985/wsman"}, // HVMIGERR_PORT chooses none
		{arg: "hv01", rule: hostRule{port: 5986}, name: "hv01", url: "http://hv01:5986/wsman"},
		// --http and --https choose before the port, the environment after it.
		{arg: "hv01:5985", rule: hostRule{https: true}, name: "hv01", url: "https://hv01:5985/wsman"},
		{arg: "hv01:5986", rule: hostRule{http: true}, name: "hv01", url: "http://hv01:5986/wsman"},
		{arg: "hv01:5985", rule: hostRule{environment: &yes}, name: "hv01", url: "http://hv01:5985/wsman"},
		{arg: "hv01", rule: hostRule{environment: &yes}, name: "hv01", url: "https://hv01:5986/wsman"},
		{arg: "hv01", rule: hostRule{environment: &no, secret: true}, name: "hv01", url: "http://hv01:5985/wsman"},
		{arg: "hv01", rule: hostRule{environment: &no, https: true}, name: "hv01", url: "https://hv01:5986/wsman"},
		// The URL chooses before all.
		{arg: "https://hv01", rule: hostRule{environment: &no}, name: "hv01", url: "https://hv01:5986/wsman"},
		{arg: "http://hv01/", rule: secret, name: "hv01", url: "http://hv01:5985/wsman"},
		{arg: "HTTPS://hv01:8443/other/wsman", name: "hv01", url: "https://hv01:8443/other/wsman"},
		{arg: "https://hv01", rule: hostRule{port: 8443}, name: "hv01", url: "https://hv01:8443/wsman"},
		{arg: "https://hv01:5985", name: "hv01", url: "https://hv01:5985/wsman"},
		{arg: "hv01:5986", rule: hostRule{port: 9999}, name: "hv01", url: "https://hv01:5986/wsman"}, // HVMIGERR_PORT gives way
		{arg: "hv01:5986", rule: hostRule{port: 5986, portTyped: true}, name: "hv01", url: "https://hv01:5986/wsman"},
		// Addresses.
		{arg: "192.0.2.7", rule: secret, name: "192.0.2.7", url: "https://192.0.2.7:5986/wsman"},
		{arg: "[2001:db8::7]", rule: secret, name: "2001:db8::7", url: "https://[2001:db8::7]:5986/wsman"},
		{arg: "[2001:db8::7]:443", name: "2001:db8::7", url: "https://[2001:db8::7]:443/wsman"},
		{arg: "[fe80::1%eth0]", rule: secret, name: "fe80::1%eth0", url: "https://[fe80::1%25eth0]:5986/wsman"},
		{arg: "http://hv01/a,b", name: "hv01", url: "http://hv01:5985/a,b"},
		{arg: "https://[2001:db8::7]/wsman", name: "2001:db8::7", url: "https://[2001:db8::7]:5986/wsman"},
		{arg: "münchen-01", rule: secret, name: "münchen-01", url: "https://m%C3%BCnchen-01:5986/wsman"},

		{arg: "", err: "empty"},
		{arg: "-", err: "is a list"},
		{arg: "@hosts.txt", err: "is a list"},
		{arg: "2001:db8::7", err: "brackets"},
		{arg: "[hv01]", err: "IPv6"},
		{arg: "[192.0.2.7]", err: "IPv6"},
		{arg: "[::%#]", err: "not a host name"}, // found by FuzzParseHost
		{arg: "[::1", err: "[IPv6]"},
		{arg: "[::1]x", err: "[IPv6]"},
		{arg: "[::1]:", err: "no port"},
		{arg: "hv01:", err: "no port"},
		{arg: "https://hv01:", err: "no port"},
		{arg: ":5986", err: "no name"},
		{arg: "hv01:0", err: "1 to 65535"},
		{arg: "hv01:65536", err: "1 to 65535"},
		{arg: "hv01:http", err: "1 to 65535"},
		{arg: "hv01:-1", err: "1 to 65535"},
		{arg: "hv01:5985,hv02:5985", err: "separate arguments"},
		{arg: "hv01,hv02", err: "separate arguments"},
		{arg: "hv01:5985 hv02:5985", err: "separate arguments"},
		{arg: "hv01\nhv02", err: "separate arguments"},
		{arg: "http://hv01,hv02", err: "separate arguments"},
		{arg: "http://hv01:5985,http://hv02:5985", err: "separate arguments"},
		{arg: "http://hv01/wsman,http://hv02/wsman", err: "separate arguments"},
		{arg: "http://a,me:hunter2@b", err: "must not hold a user"},
		{arg: "a,me:hunter2@b", err: "must not hold a user"},
		{arg: "hv01:5985:5986", err: "brackets"},
		{arg: "hv01/wsman", err: "not a host name"},
		{arg: "hv01\x1b[2J", err: "not a host name"},
		{arg: "[::1%ℏe0]", err: "not a host name"}, // found by FuzzParseHost
		{arg: "user@hv01", err: "must not hold a user"},
		{arg: "me:hunter2@hv01", err: "must not hold a user"},
		{arg: "ftp://hv01", err: "http or https"},
		{arg: "https://", err: "no name"},
		{arg: "https://u:hunter2@hv01/", err: "must not hold a user"},
		{arg: "https://hv01/wsman?PSVersion=5", err: "more than a path"},
		{arg: "https://hv01/wsman#x", err: "more than a path"},
		{arg: "https://hunter2\x7f@hv01", err: "not a valid URL"},
		{arg: "http://hv01", rule: hostRule{https: true}, err: "--https contradicts"},
		{arg: "https://hv01", rule: hostRule{http: true}, err: "--http contradicts"},
		{arg: "hv01:5986", rule: hostRule{port: 5985, portTyped: true}, err: "--port 5985 contradicts"},
		{arg: "hv01:5985", rule: hostRule{tlsFlag: "ca-file"}, err: "--ca-file needs https"},
		{arg: "http://hv01", rule: hostRule{tlsFlag: "tls-pin"}, err: "--tls-pin needs https"},
		{arg: "hv01", rule: hostRule{http: true, tlsFlag: "insecure"}, err: "--insecure needs https"},
	} {
		got, err := parseHost(tt.arg, &tt.rule)
		switch {
		case tt.err != "":
			if err == nil || !strings.Contains(err.Error(), tt.err) || exitCode(err) != exitUsage {
				t.Errorf("parseHost(%q, %+v) = %+v, %v; want an error about %q", tt.arg, tt.rule, got, err, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("parseHost(%q) repeats a password: %v", tt.arg, err)
			}
		case err != nil:
			t.Errorf("parseHost(%q, %+v): %v", tt.arg, tt.rule, err)
		case got.name != tt.name || got.url != tt.url || got.https != strings.HasPrefix(tt.url, "https:"):
			t.Errorf("parseHost(%q, %+v) = %+v, want %q, %q", tt.arg, tt.rule, got, tt.name, tt.url)
		}
	}
}

// parseHost reads arg as open does.
func parseHost(arg string, rule *hostRule) (*target, error) {
	u, err := splitHost(arg)
	if err != nil {
		return nil, err
	}
	return rule.target(arg, u)
}

// FuzzParseHost: what is accepted is a URL with a host, a port and nothing of a user.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"hv01", "hv01:5986", "[::1]:443", "[fe80::1%eth0]", "https://hv01/wsman", "http://u@h", "::", "münchen"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		got, err := parseHost(arg, &hostRule{secret: true})
		if err != nil {
			return
		}
		u, err := url.Parse(got.url)
		if err != nil || u.Hostname() == "" || u.Port() == "" || u.User != nil || u.Hostname() != got.name {
			t.Errorf("parseHost(%q) = %+v, read again: %v, %v", arg, got, u, err)
		}
	})
}
