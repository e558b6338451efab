package transport_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// TestSecret: nothing that prints shows the password, neither the Secret nor what holds one, in the open or unexported.
func TestSecret(t *testing.T) {
	s := transport.NewSecret(password)
	if s.Reveal() != password || s.IsZero() {
		t.Errorf("Reveal() = %q, IsZero() = %v", s.Reveal(), s.IsZero())
	}
	if z := (transport.Secret{}); z.Reveal() != "" || !z.IsZero() || !transport.NewSecret("").IsZero() {
		t.Error("the zero Secret is not empty")
	}
	cfg := inClear("hv01:5985")
	cfg.Proxy = mustProxy("http://pu:" + proxyPassword + "@proxy")
	tr := newTransport(t, cfg)
	type hidden struct{ s transport.Secret }
	type shown struct{ S transport.Secret }
	var out bytes.Buffer
	for _, verb := range "vsqxXdtbcoOUeEfFgGpTwz" {
		for _, flag := range []string{"", "+", "#", " ", "0", "-", "10", ".3"} {
			for _, v := range []any{s, &s, hidden{s}, &hidden{s}, shown{s}, []any{s}, map[string]any{"k": s}, cfg, &cfg, tr} {
				fmt.Fprintf(&out, "%"+flag+string(verb)+"\n", v)
			}
		}
	}
	for _, v := range []any{s, &s, shown{s}, map[string]any{"k": s}} {
		b, err := json.Marshal(v)
		if err != nil || !strings.Contains(string(b), `"REDACTED"`) {
			t.Errorf("json.Marshal(%T) = %s, %v", v, b, err)
		}
		out.Write(b)
	}
	b, err := xml.Marshal(shown{s})
	if err != nil || !strings.Contains(string(b), ">REDACTED<") {
		t.Errorf("xml.Marshal = %s, %v", b, err)
	}
	out.Write(b)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "config", cfg.Password)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s)

	for _, canary := range []string{password, credentials, proxyPassword, fmt.Sprintf("%x", password), fmt.Sprintf("%X", password)} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("the output shows %q", canary)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %s %d %q %x", s, s, s, s, s, s, s); got != strings.TrimSpace(strings.Repeat("REDACTED ", 7)) {
		t.Errorf("Sprintf = %q", got)
	}
	if s.String() != "REDACTED" || s.GoString() != "REDACTED" {
		t.Errorf("String() = %q, GoString() = %q", s.String(), s.GoString())
	}
}
