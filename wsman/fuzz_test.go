package wsman_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/hvmigerr/hvmigerr/testdata"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// addResponses seeds a fuzz test with every recorded answer.
func addResponses(f *testing.F, add func([]byte)) {
	f.Helper()
	files, err := fs.Glob(testdata.FS, "exchange/*/response.xml")
	if err != nil || len(files) == 0 {
		f.Fatal("no recordings", err)
	}
	for _, name := range files {
		b, err := fs.ReadFile(testdata.FS, name)
		if err != nil {
			f.Fatal(err)
		}
		add(b)
	}
	add([]byte("\xff\xfe<\x00"))
	add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
}

// FuzzDecodeEnvelope: one of result and error, and every conversion of every property returns.
func FuzzDecodeEnvelope(f *testing.F) {
	addResponses(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, in []byte) {
		env, err := wsman.DecodeEnvelope(in)
		if (env == nil) == (err == nil) {
			t.Fatalf("DecodeEnvelope returned %v and %v", env, err)
		}
		if fault, ok := errors.AsType[*wsman.Fault](err); ok {
			_ = fault.Error()
			_ = fault.NotFound() || fault.AccessDenied() || fault.Retryable()
		}
		if env == nil {
			return
		}
		for _, i := range env.Body {
			convertAll(i.Properties)
		}
	})
}

func convertAll(properties []wsman.Property) {
	for k := range properties {
		p := &properties[k]
		_, _ = p.Bool()
		_, _ = p.Int(64)
		_, _ = p.Uint(16)
		_, _ = p.Float(64)
		_, _ = p.Time()
		_, _ = p.Duration()
		_, _ = p.Reference()
		_, _ = p.Embedded()
		convertAll(p.Children)
	}
}

// FuzzReply gives the same answer to every operation: no panic, no endless enumeration, never result and error.
func FuzzReply(f *testing.F) {
	addResponses(f, func(b []byte) { f.Add(200, b); f.Add(500, b) })
	f.Fuzz(func(t *testing.T, status int, in []byte) {
		same := transportFunc(func(_ context.Context, req *wsman.Request) (*wsman.Reply, error) {
			return reply(status, string(in))(req)
		})
		c := newClient(t, same, func(c *wsman.Config) { c.QuotaRetries = -1 })
		i, err := getJob(t.Context(), c)
		if (i == nil) == (err == nil) {
			t.Fatalf("Get returned %v and %v", i, err)
		}
		out, err := c.Invoke(t.Context(), &wsman.InvokeRequest{Resource: migrationJob, Method: "GetError"})
		if (out == nil) == (err == nil) {
			t.Fatalf("Invoke returned %v and %v", out, err)
		}
		cfg, err := c.ServiceConfig(t.Context())
		if (cfg == nil) == (err == nil) {
			t.Fatalf("ServiceConfig returned %v and %v", cfg, err)
		}
		id, err := c.Identify(t.Context())
		if (id == nil) == (err == nil) {
			t.Fatalf("Identify returned %v and %v", id, err)
		}
		n := 0
		for i, err := range c.Enumerate(t.Context(), &wsman.EnumerateRequest{Resource: migrationJob}) {
			if (i == nil) == (err == nil) {
				t.Fatalf("Enumerate yielded %v and %v", i, err)
			}
			if n++; n > 100 {
				break
			}
		}
	})
}

type transportFunc func(context.Context, *wsman.Request) (*wsman.Reply, error)

func (f transportFunc) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	return f(ctx, req)
}
