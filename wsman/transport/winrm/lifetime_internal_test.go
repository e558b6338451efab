// A Transporter makes its own transport; these tests give it one that needs no network, so that time is a bubble's.
package winrm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/masterzen/winrm"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/transport"
)

// A slowHost is a host that needs some time for an operation, and hears of nothing that was given up before.
type slowHost struct {
	needs map[string]time.Duration
	fails map[string]error
	heard []string // what was begun
	done  []string // what was carried out
	twice []string // what may be sent twice
}

func (h *slowHost) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	name := ""
	for _, n := range []string{"Create", "Command", "Receive", "Signal", "Delete"} {
		if bytes.Contains(req.Body, []byte("/"+n+"</a:Action>")) {
			name = n
		}
	}
	h.heard = append(h.heard, name)
	if req.Repeatable {
		h.twice = append(h.twice, name)
	}
	select {
	case <-time.After(h.needs[name]):
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the answer of hv01: %w", ctx.Err())
	}
	if err := h.fails[name]; err != nil {
		return nil, err
	}
	h.done = append(h.done, name)
	body := map[string]string{
		"Create":  `<w:Selector Name="ShellId">S</w:Selector>`,
		"Command": `<rsp:CommandResponse><rsp:CommandId>C</rsp:CommandId></rsp:CommandResponse>`,
		"Receive": `<rsp:ReceiveResponse/>`,
	}[name]
	return &wsman.Reply{StatusCode: http.StatusOK, Body: []byte(`<s:Envelope xmlns:s="` + wsman.NamespaceSOAP + `" xmlns:w="` +
		wsman.NamespaceWSMan + `" xmlns:rsp="` + namespaceShell + `"><s:Body>` + body + `</s:Body></s:Envelope>`)}, nil
}

// clientOf returns masterzen/winrm's client over a Transporter to h.
func clientOf(t *testing.T, ctx context.Context, h *slowHost) (*winrm.Client, *Transporter) { //nolint:revive // t goes first in a helper
	t.Helper()
	tr := NewTransporter(ctx, transport.Config{Auth: transport.AuthNTLM, User: "u"})
	params := winrm.NewParameters("PT20S", "en-US", 153600)
	params.TransportDecorator = func() winrm.Transporter { return tr }
	c, err := winrm.NewClientWithParameters(&winrm.Endpoint{Host: "hv01", Port: portHTTP}, "", "", params)
	if err != nil {
		t.Fatal(err)
	}
	tr.courier.t = h
	return c, tr
}

const never = 1000 * time.Hour

// TestLastMessages: at the end of the context each message that creates or ends something has a second of its own, and no other has.
func TestLastMessages(t *testing.T) {
	for _, tt := range []struct {
		name        string
		needs       map[string]time.Duration
		cancel      time.Duration
		after       time.Duration // the return of masterzen/winrm's client, after the cancel
		heard, done string
	}{
		{
			"quick",
			map[string]time.Duration{"Receive": never},
			time.Second, 0,
			"Create Command Receive Signal Delete", "Create Command Signal Delete",
		},
		{
			"slow Signal and Delete",
			map[string]time.Duration{"Receive": never, "Signal": 900 * time.Millisecond, "Delete": 900 * time.Millisecond},
			time.Second, 1800 * time.Millisecond,
			"Create Command Receive Signal Delete", "Create Command Signal Delete",
		},
		{
			"no Signal",
			map[string]time.Duration{"Receive": never, "Signal": never},
			time.Second, time.Second,
			"Create Command Receive Signal Delete", "Create Command Delete",
		},
		{
			"nothing more",
			map[string]time.Duration{"Receive": never, "Signal": never, "Delete": never},
			time.Second, 2 * time.Second,
			"Create Command Receive Signal Delete", "Create Command",
		},
		{
			"slow Create",
			map[string]time.Duration{"Create": 1900 * time.Millisecond},
			time.Second, 900 * time.Millisecond,
			"Create Delete", "Create Delete",
		},
		{"no Create", map[string]time.Duration{"Create": never}, time.Second, time.Second, "Create", ""},
		{"slow Command", map[string]time.Duration{"Command": never}, time.Second, 0, "Create Command Delete", "Create Delete"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
					h := &slowHost{needs: tt.needs}
					ctx, cancel := context.WithTimeout(t.Context(), tt.cancel)
					if end == context.Canceled { //nolint:errorlint // it is a row
						ctx, cancel = context.WithCancel(t.Context())
						time.AfterFunc(tt.cancel, cancel)
					}
					c, tr := clientOf(t, ctx, h)
					began := time.Now()
					_, err := c.RunWithContext(context.WithoutCancel(ctx), "x", io.Discard, io.Discard)
					if !errors.Is(err, end) {
						t.Errorf("Run = %v, want %v", err, end)
					}
					if took := time.Since(began) - tt.cancel; took != tt.after {
						t.Errorf("it returns %v after the end, want %v", took, tt.after)
					}
					if heard, done := strings.Join(h.heard, " "), strings.Join(h.done, " "); heard != tt.heard || done != tt.done {
						t.Errorf("the host was asked %s and did %s; want %s and %s", heard, done, tt.heard, tt.done)
					}
					_ = tr.Close()
					cancel()
				}
			})
		})
	}
}

// TestLateDelete: the second of a message counts from when it is sent.
func TestLateDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &slowHost{needs: map[string]time.Duration{"Delete": 900 * time.Millisecond}}
		ctx, cancel := context.WithCancel(t.Context())
		c, _ := clientOf(t, ctx, h)
		first, err := c.CreateShell()
		second, err2 := c.CreateShell()
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour) // the bubble's
		if err := second.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestSignals: a host that does not answer a Signal gets no other for this shell, and gets it for another.
func TestSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &slowHost{needs: map[string]time.Duration{"Signal": never}}
		tr := &courier{t: h}
		send := func(action, shell string) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _, err := tr.post(ctx, &request{action: action, shellID: shell, commandID: "C", body: []byte("/" + action[strings.LastIndex(action, "/")+1:] + "</a:Action>")})
			return err
		}
		if err := send(actionSignal, "S"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("first: %v", err)
		}
		if err := send(actionSignal, "S"); !errors.Is(err, errUnheard) {
			t.Errorf("second: %v", err)
		}
		if err := send(actionSignal, "T"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("of another shell: %v", err)
		}
		if err := send(actionDelete, "S"); err != nil {
			t.Error(err)
		}
		h.needs = nil
		if err := send(actionSignal, "S"); err != nil {
			t.Errorf("of a shell with the same id: %v", err)
		}
		if got := strings.Join(h.heard, " "); got != "Signal Signal Delete Signal" {
			t.Errorf("the host was asked %s", got)
		}
	})
}

// TestClose ends what is under way; the shell is deleted even so.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &slowHost{needs: map[string]time.Duration{"Receive": never}}
		c, tr := clientOf(t, t.Context(), h)
		began := time.Now()
		time.AfterFunc(time.Second, func() { _ = tr.Close() })
		_, err := c.RunWithContext(t.Context(), "x", io.Discard, io.Discard)
		if took := time.Since(began); !errors.Is(err, net.ErrClosed) || took != time.Second {
			t.Errorf("Run = %v, after %v", err, took)
		}
		if got := strings.Join(h.done, " "); got != "Create Command Signal Delete" {
			t.Errorf("the host did %s", got)
		}
		if _, err := c.CreateShell(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("CreateShell after Close: %v", err)
		}
	})
}

// TestFruitlessCount: it is of a command, and begins anew with each.
func TestFruitlessCount(t *testing.T) {
	p := new(patience)
	nothing := &answer{received: true}
	receive := func(shell, command string, took time.Duration) error {
		return p.heard(&request{action: actionReceive, shellID: shell, commandID: command, timeout: 20 * time.Second}, nothing, nil, took)
	}
	for range maxFruitless {
		for _, of := range []string{"C", "D"} {
			if err := receive("S", of, 0); err != nil {
				t.Fatalf("two commands: %v", err)
			}
		}
	}
	if err := receive("T", "C", 0); err != nil {
		t.Errorf("the same id in another shell: %v", err)
	}
	if err := receive("S", "D", 9999*time.Millisecond); err == nil {
		t.Error("it is counted for nothing")
	}
	if err := p.heard(&request{action: actionCommand, shellID: "S"}, &answer{id: "C"}, nil, 0); err != nil {
		t.Error(err)
	}
	if err := receive("S", "C", 0); err != nil {
		t.Errorf("a new command: %v", err)
	}
	p.sent(&request{action: actionSignal, shellID: "S", commandID: "D"})
	if err := receive("S", "D", 0); err != nil {
		t.Errorf("after the Signal: %v", err)
	}
	if err := receive("S", "C", 10*time.Second); err != nil || p.fruitless["S/C"] != 0 {
		t.Errorf("half of the time: %v, %d", err, p.fruitless["S/C"])
	}
}

// TestRepeatable: a message that ends something may go out twice, and of the others a 401 in mid-session says that they did not.
func TestRepeatable(t *testing.T) {
	forgotten := &transport.AuthError{Mechanism: transport.MechanismNTLM, Err: &wsman.HTTPError{StatusCode: 401}}
	refused := &transport.AuthError{Mechanism: transport.MechanismNTLM, Refused: true, Err: &wsman.HTTPError{StatusCode: 401}}
	for _, action := range []string{actionCreate, actionCommand, actionReceive, namespaceShell + "/Send", actionSignal, actionDelete} {
		for _, says := range []error{forgotten, refused} {
			tr := &courier{t: roundTripper(func(_ context.Context, req *wsman.Request) (*wsman.Reply, error) {
				if want := action == actionSignal || action == actionDelete; req.Repeatable != want {
					t.Errorf("%s: Repeatable is %t", action, req.Repeatable)
				}
				return nil, says
			})}
			_, _, err := tr.post(t.Context(), &request{action: action})
			want := says == forgotten && action != actionSignal && action != actionDelete //nolint:errorlint // it is a row
			if errors.Is(err, ErrNotRepeated) != want || !errors.Is(err, says) {
				t.Errorf("%s: %v", action, err)
			}
		}
	}
}

type roundTripper func(context.Context, *wsman.Request) (*wsman.Reply, error)

func (f roundTripper) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	return f(ctx, req)
}

// TestForMasterzen: its types stay, but the *url.Error that masterzen/winrm would ask again after.
func TestForMasterzen(t *testing.T) {
	inner := &transport.ConnectError{Stage: transport.StageConnect, Addr: "hv01:5985", Err: &url.Error{Op: "dial", Err: context.DeadlineExceeded}}
	err := forMasterzen(fmt.Errorf("OperationTimeout EOF: %w", inner))
	if e, ok := errors.AsType[*url.Error](err); ok {
		t.Errorf("it has %v", e)
	}
	if e, ok := errors.AsType[*transport.ConnectError](err); !ok || e != inner || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not %v", err, inner)
	}
	if text := err.Error(); strings.Contains(text, wordTimeout) || strings.Contains(text, wordEOF) {
		t.Error(text)
	}
}

// TestLastMessagesOfShell: one that is created too late is deleted at once.
func TestLastMessagesOfShell(t *testing.T) {
	for needs, want := range map[time.Duration]string{900 * time.Millisecond: "Create Delete", never: "Create"} {
		synctest.Test(t, func(t *testing.T) {
			h := &slowHost{needs: map[string]time.Duration{"Create": needs + time.Second}}
			s, err := NewShell("http://hv01:5985/wsman", h)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			if _, err := s.Run(ctx, "x", io.Discard, io.Discard); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Run = %v", err)
			}
			if took := time.Since(began); took != min(needs, lastTime)+time.Second || strings.Join(h.heard, " ") != want {
				t.Errorf("after %v, the host was asked %s; want %s", took, h.heard, want)
			}
			if err := s.Close(); err != nil || strings.Join(h.heard, " ") != want {
				t.Errorf("Close = %v; the host was asked %s", err, h.heard)
			}
		})
	}
}
