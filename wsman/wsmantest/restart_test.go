package wsmantest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestRestart: a host that restarts is at the same address and has the same jobs, and knows no connection, session or
// enumeration from before.
func TestRestart(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{true, false} {
		f := newFleet(t, wsmantest.FleetConfig{Hosts: 2, Host: func(int) wsmantest.Config {
			return wsmantest.Config{HTTP: plain, Model: testModel(), Clock: (&clock{start}).now}
		}})
		s := f.Host(1)
		addr, states := s.Addr().String(), jobStates(t, s)
		asked := len(s.Requests())
		d := dial(t, s)
		d.shake("Negotiate", d.ntlm("administrator"))
		if status, _ := d.ask(strings.Replace(enumerateJobs().String(), "<w:OptimizeEnumeration/>", "", 1)); status != 200 || s.OpenEnumerations() != 1 {
			t.Fatalf("Enumerate: status %d, %d enumerations", status, s.OpenEnumerations())
		}
		if err := f.Restart(1); err != nil {
			t.Fatal(err)
		}
		if _, err := d.r.ReadByte(); err == nil {
			t.Error("the connection has outlived the host")
		}
		if diff := cmp.Diff(states, jobStates(t, s)); diff != "" || s.Addr().String() != addr || s.OpenEnumerations() != 0 {
			t.Errorf("after the restart at %s: %d enumerations, jobs (-want +got):\n%s", s.Addr(), s.OpenEnumerations(), diff)
		}
		if len(s.Requests()) <= asked {
			t.Error("the records of before are gone")
		}
		d = dial(t, s)
		d.shake("Negotiate", d.ntlm("administrator"))
		if s.Connections() != 2 {
			t.Errorf("%d connections, want 2", s.Connections())
		}
	}
}

// TestCloseAndStart: a host can be taken away for a while, and closed twice.
func TestCloseAndStart(t *testing.T) {
	t.Parallel()
	f := newFleet(t, wsmantest.FleetConfig{Hosts: 1, Host: overHTTP})
	s := f.Host(0)
	url := s.URL()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String()); err == nil {
		t.Error("a closed host listens")
	}
	if err := s.Start(); err != nil || s.URL() != url {
		t.Fatalf("Start: %v, at %s", err, s.URL())
	}
	dial(t, s)
	if err := s.Start(); err == nil {
		t.Error("Start while it serves succeeded")
	}
}

// TestServerCut: the connections of one host end, whatever they do, and the host takes new ones.
func TestServerCut(t *testing.T) {
	t.Parallel()
	f := newFleet(t, wsmantest.FleetConfig{Hosts: 2, Host: func(int) wsmantest.Config {
		return wsmantest.Config{HTTP: true, Clock: (&clock{start}).now, Rules: []wsmantest.Rule{{Delay: wsmantest.Duration(time.Hour)}}}
	}})
	s := f.Host(0)
	other := dial(t, f.Host(1))
	other.shake("Negotiate", other.ntlm("administrator"))
	d, idle := dial(t, s), dial(t, s)
	d.shake("Negotiate", d.ntlm("administrator"))
	idle.shake("Negotiate", idle.ntlm("administrator"))
	if _, err := fmt.Fprintf(d.conn, "POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n := f.Cut(0); n != 2 {
		t.Errorf("%d connections were open", n)
	}
	for _, d := range []*dialogue{d, idle} {
		if _, err := d.r.ReadByte(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("reading: %v, want a reset", err)
		}
	}
	again := dial(t, s)
	again.shake("Negotiate", again.ntlm("administrator"))
	again.shake("Negotiate", other.ntlm("administrator"))
	if n := f.Cut(0); n != 1 {
		t.Errorf("%d connections were open the second time", n)
	}
}

// TestDelay: each answer comes that much later, and no later.
func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const delay = 20 * time.Millisecond
		f, err := wsmantest.NewFleet(wsmantest.FleetConfig{
			Hosts: 2, Delay: delay, Host: func(i int) wsmantest.Config {
				return wsmantest.Config{HTTP: true, Delay: []time.Duration{0, time.Second}[i]}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []time.Duration{delay, time.Second} {
			before := time.Now()
			for range 3 {
				if _, err := f.Host(i).Transport("administrator").RoundTrip(t.Context(), &wsman.Request{Body: []byte(identifyEnvelope)}); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(before); took != 3*want {
				t.Errorf("host %d: three answers took %v, want %v", i, took, 3*want)
			}
		}
	})
}

// TestDelayOfTokens: over HTTP the answers to tokens wait too, which nobody sees who never gets one.
func TestDelayOfTokens(t *testing.T) {
	t.Parallel()
	s := started(t, wsmantest.Config{HTTP: true, Delay: time.Hour})
	d := dial(t, s)
	if _, err := fmt.Fprintf(d.conn, "POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for len(s.Requests()) == 0 { // it is answered, as far as it is up to the host
		runtime.Gosched()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := d.r.ReadByte(); err == nil {
		t.Errorf("an answer of an hour later begins with %q", b)
	}
}

// TestFlood: the octets behind an answer are not held, are counted when they are announced, and come behind a seal that is
// whole. It counts what is allocated, and therefore runs alone.
func TestFlood(t *testing.T) {
	const flood = 30_000_000
	for _, chunked := range []bool{false, true} {
		s := started(t, wsmantest.Config{HTTP: true, Rules: []wsmantest.Rule{{Flood: flood, Chunked: chunked}}})
		d := dial(t, s)
		d.shake("Negotiate", d.ntlm("administrator"))
		before := allocated()
		body := d.seal(identifyEnvelope)
		if _, err := fmt.Fprintf(d.conn, "POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			sealed.ContentType(d.protocol), len(body), body); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(d.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 16<<10)
		if _, err := io.ReadFull(resp.Body, head); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || chunked != (resp.ContentLength < 0) {
			t.Errorf("chunked %v: length %d, %v", chunked, resp.ContentLength, err)
		}
		answer := bytes.TrimRight(head, " ")
		if got := int64(len(head)-len(answer)) + n; got != flood {
			t.Errorf("chunked %v: %d octets behind the answer, want %d", chunked, got, flood)
		}
		if text, err := d.unseal(resp, answer); err != nil || !strings.Contains(text, "IdentifyResponse") {
			t.Errorf("chunked %v: answer %q, %v", chunked, text, err)
		}
		if more := allocated() - before; more > flood/10 {
			t.Errorf("chunked %v: %d octets were allocated", chunked, more)
		}
	}
}

// allocated returns how many octets were allocated so far.
func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// TestRecords bounds what a server remembers by its configuration.
func TestRecords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ records, want int }{{-1, 0}, {1, 1}, {16, 15}} {
		s := newServer(t, wsmantest.Config{HTTP: true, Records: tt.records})
		for i := range 31 {
			_, _ = ask(t, s, []string{"administrator", "reader"}[i%2], text(identifyEnvelope))
		}
		got := s.Requests()
		if len(got) != tt.want || len(got) > 0 && got[len(got)-1].User != "administrator" {
			t.Errorf("with %d: %d records, want %d with the last one at the end: %v", tt.records, len(got), tt.want, got)
		}
	}
}
