package transport_test

import (
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

func FuzzParsePin(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("0f", 32))
	f.Add("SHA256:" + strings.Repeat("0F:", 32))
	f.Add("sha256:0")
	f.Add("")
	f.Fuzz(func(t *testing.T, in string) {
		p, err := transport.ParsePin(in)
		if err != nil {
			return
		}
		again, err := transport.ParsePin(p.String())
		if err != nil || again != p {
			t.Errorf("ParsePin(%q) = %v, and that parses to %v, %v", in, p, again, err)
		}
	})
}

func FuzzParseProxy(f *testing.F) {
	f.Add("none")
	f.Add("http://u:" + proxyPassword + "@proxy:3128")
	f.Add("socks5h://[::1%25eth0]:1080/")
	f.Add("://%zz@")
	f.Add("socks5h://[::1%25eth\xff]")
	f.Fuzz(func(t *testing.T, in string) {
		p, err := transport.ParseProxy(in)
		if err != nil {
			if err.Error() != parseProxyError(t) {
				t.Errorf("ParseProxy(%q): error %v says more than that it is no proxy", in, err)
			}
			return
		}
		// What is accepted serves as a proxy, and prints as one.
		if _, err := transport.New(transport.Config{URL: "https://hv01/wsman", Auth: transport.AuthBasic, User: user, Proxy: p}); err != nil {
			t.Errorf("New with proxy %q: %v", in, err)
		}
		if _, err := transport.ParseProxy(p.String()); err != nil {
			t.Errorf("ParseProxy(%q) = %v, which does not parse: %v", in, p, err)
		}
	})
}

// parseProxyError returns the one message of ParseProxy.
func parseProxyError(t *testing.T) string {
	t.Helper()
	_, err := transport.ParseProxy("")
	if err == nil {
		t.Fatal("the empty string is a proxy")
	}
	return err.Error()
}
