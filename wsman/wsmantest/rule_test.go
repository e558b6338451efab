package wsmantest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// outcome is what a client sees of one request, in short.
func outcome(reply *wsman.Reply, err error) string {
	if e, ok := errors.AsType[*wsman.HTTPError](err); ok {
		return strings.Join(append([]string{"HTTP", http.StatusText(e.StatusCode)}, e.Challenges...), " ")
	}
	switch {
	case errors.Is(err, wsman.ErrConnectionLost):
		return "lost"
	case err != nil:
		return err.Error()
	}
	_, err = wsman.DecodeEnvelope(reply.Body)
	switch e, ok := errors.AsType[*wsman.Fault](err); {
	case ok:
		return string(e.Subcode)
	case err != nil:
		return "protocol error"
	}
	return "ok"
}

// TestRuleMatching sends a fixed series of requests through each set of rules.
func TestRuleMatching(t *testing.T) {
	t.Parallel()
	busy := func(r wsmantest.Rule) wsmantest.Rule { r.Fault = wsmantest.FaultQuotaLimit; return r }
	const quota = "wsman:QuotaLimit"
	tests := []struct {
		name  string
		rules []wsmantest.Rule
		want  []string // get, get, GetError, get as reader, get
	}{
		{"none", nil, []string{"ok", "ok", "ok", "ok", "ok"}},
		{"every", []wsmantest.Rule{busy(wsmantest.Rule{})}, []string{quota, quota, quota, quota, quota}},
		{"the first two", []wsmantest.Rule{busy(wsmantest.Rule{Count: 2})}, []string{quota, quota, "ok", "ok", "ok"}},
		{"from the third", []wsmantest.Rule{busy(wsmantest.Rule{After: 2})}, []string{"ok", "ok", quota, quota, quota}},
		{"only the third", []wsmantest.Rule{busy(wsmantest.Rule{After: 2, Count: 1})}, []string{"ok", "ok", quota, "ok", "ok"}},
		{"one operation", []wsmantest.Rule{busy(wsmantest.Rule{Operation: "get", After: 1, Count: 1})}, []string{"ok", quota, "ok", "ok", "ok"}},
		{"a method", []wsmantest.Rule{busy(wsmantest.Rule{Operation: "GetError"})}, []string{"ok", "ok", quota, "ok", "ok"}},
		{"one user", []wsmantest.Rule{busy(wsmantest.Rule{User: "Reader"})}, []string{"ok", "ok", "ok", quota, "ok"}},
		{"one after the other", []wsmantest.Rule{busy(wsmantest.Rule{Count: 1}), {Fault: wsmantest.FaultTimedOut, Count: 1}}, []string{quota, "wsman:TimedOut", "ok", "ok", "ok"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, wsmantest.Config{Rules: tt.rules})
			var got []string
			for _, r := range []struct {
				user    string
				request envelope
			}{{"administrator", getJob()}, {"administrator", getJob()}, {"administrator", callGetError()}, {"reader", getJob()}, {"administrator", getJob()}} {
				got = append(got, outcome(s.Transport(r.user).RoundTrip(t.Context(), &wsman.Request{Body: []byte(r.request.String())})))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

// ruleEffects are the rules that change what arrives, with the outcome of one Get.
func ruleEffects() map[string]struct {
	rule wsmantest.Rule
	want string
} {
	return map[string]struct {
		rule wsmantest.Rule
		want string
	}{
		"fault":               {wsmantest.Rule{Fault: wsmantest.FaultAccessDenied}, "wsman:AccessDenied"},
		"fault with 200":      {wsmantest.Rule{Fault: wsmantest.FaultTimedOut, Status: 200}, "wsman:TimedOut"},
		"status":              {wsmantest.Rule{Status: 503}, "HTTP Service Unavailable"},
		"redirect":            {wsmantest.Rule{Status: 302, Header: map[string]string{"Location": "http://elsewhere/"}}, "HTTP Found"},
		"401":                 {wsmantest.Rule{Status: 401}, "HTTP Unauthorized Negotiate Kerberos Basic"},
		"401 with another":    {wsmantest.Rule{Status: 401, Header: map[string]string{"WWW-Authenticate": "Negotiate"}}, "HTTP Unauthorized Negotiate"},
		"body":                {wsmantest.Rule{Body: new("<html/>"), ContentType: "text/html"}, "HTTP OK"},
		"empty body":          {wsmantest.Rule{Body: new("")}, "protocol error"},
		"empty without SOAP":  {wsmantest.Rule{Body: new(""), Header: map[string]string{"Content-Type": ""}}, "HTTP OK"},
		"content type":        {wsmantest.Rule{ContentType: "text/plain"}, "ok"}, // the root is an envelope all the same
		"garbage":             {wsmantest.Rule{Garbage: 100}, "protocol error"},
		"padded":              {wsmantest.Rule{Size: 100000}, "ok"},
		"flooded":             {wsmantest.Rule{Flood: 100000}, "ok"},
		"chunked":             {wsmantest.Rule{Chunked: true}, "ok"},
		"closed after":        {wsmantest.Rule{CloseAfter: true}, "ok"},
		"relates to another":  {wsmantest.Rule{RelatesTo: "uuid:other"}, "ok"}, // told apart by a client, not by DecodeEnvelope
		"cut":                 {wsmantest.Rule{Cut: new(100)}, "lost"},
		"cut at once":         {wsmantest.Rule{Cut: new(0)}, "lost"},
		"cut behind the end":  {wsmantest.Rule{Cut: new(100000)}, "ok"},
		"dropped":             {wsmantest.Rule{Drop: true}, "lost"},
		"reset":               {wsmantest.Rule{Reset: true}, "lost"},
		"work in good time":   {wsmantest.Rule{Work: 1}, "ok"},
		"delay":               {wsmantest.Rule{Delay: 1}, "ok"},
		"malformed and a hit": {wsmantest.Rule{Body: new("<a>")}, "protocol error"},
	}
}

// TestRuleEffects looks at one answer for each effect, without a network; TestRulesOverHTTP does so with one.
func TestRuleEffects(t *testing.T) {
	t.Parallel()
	for name, tt := range ruleEffects() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, wsmantest.Config{Rules: []wsmantest.Rule{tt.rule}})
			got := outcome(s.Transport("administrator").RoundTrip(t.Context(), &wsman.Request{Body: []byte(getJob().String())}))
			if got != tt.want {
				t.Errorf("outcome %q, want %q", got, tt.want)
			}
		})
	}
}

// TestRelatesTo is seen by a client that checks.
func TestRelatesTo(t *testing.T) {
	t.Parallel()
	s := newServer(t, wsmantest.Config{Rules: []wsmantest.Rule{{RelatesTo: "uuid:other"}}})
	_, err := newClient(t, s, wsman.Config{}).Get(t.Context(), &wsman.GetRequest{Resource: jobs(), Selectors: key(jobFailed)})
	if _, ok := errors.AsType[*wsman.ProtocolError](err); !ok {
		t.Errorf("Get = %v, want a *wsman.ProtocolError", err)
	}
}

// TestTime sees delays, operation timeouts and a context that ends, in a bubble with its own time.
func TestTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		rule     wsmantest.Rule
		deadline time.Duration
		want     string
		took     time.Duration
	}{
		{"delay", wsmantest.Rule{Delay: wsmantest.Duration(2 * time.Minute)}, 0, "ok", 2 * time.Minute},
		{"work", wsmantest.Rule{Work: wsmantest.Duration(9 * time.Second)}, 0, "ok", 9 * time.Second},
		{"too much work", wsmantest.Rule{Work: wsmantest.Duration(11 * time.Second)}, 0, "wsman:TimedOut", 10 * time.Second},
		{"both", wsmantest.Rule{Work: wsmantest.Duration(11 * time.Second), Delay: wsmantest.Duration(time.Second)}, 0, "wsman:TimedOut", 11 * time.Second},
		{"the client leaves", wsmantest.Rule{Delay: wsmantest.Duration(time.Hour)}, time.Second, context.DeadlineExceeded.Error(), time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, wsmantest.Config{Rules: []wsmantest.Rule{tt.rule}, HTTP: true})
				ctx := t.Context()
				if tt.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.deadline)
					defer cancel()
				}
				request := getJob()
				request.extra = `<w:OperationTimeout>PT10S</w:OperationTimeout>`
				begin := time.Now()
				got := outcome(s.Transport("administrator").RoundTrip(ctx, &wsman.Request{Body: []byte(request.String())}))
				if took := time.Since(begin); got != tt.want || took != tt.took {
					t.Errorf("%q after %v, want %q after %v", got, took, tt.want, tt.took)
				}
			})
		})
	}
}

// TestDecodeRules reads rules as a file holds them.
func TestDecodeRules(t *testing.T) {
	t.Parallel()
	rules, err := wsmantest.DecodeRules(strings.NewReader(
		`[{"operation": "Pull", "after": 1, "count": 2, "delay": "2s", "cut": 0, "body": "", "header": {"A": "b"}}]`))
	want := []wsmantest.Rule{{
		Operation: "Pull", After: 1, Count: 2, Delay: wsmantest.Duration(2 * time.Second), Cut: new(0), Body: new(""),
		Header: map[string]string{"A": "b"},
	}}
	if diff := cmp.Diff(want, rules); err != nil || diff != "" {
		t.Errorf("DecodeRules: %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{``, `{}`, `[{"odd": 1}]`, `[] 1`, `[{"fault": "odd"}]`, `[{"delay": "-1s"}]`, `[{"flood": -1}]`, `[{"flood": 1073741825}]`} {
		if rules, err := wsmantest.DecodeRules(strings.NewReader(bad)); err == nil {
			t.Errorf("DecodeRules(%s) = %v, want an error", bad, rules)
		}
	}
}

// TestEveryFault decodes each fault that a rule can name, in each layout.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	want := map[wsmantest.FaultName]string{
		wsmantest.FaultAccessDenied: "wsman:AccessDenied 5", wsmantest.FaultProviderAccessDenied: "wsman:AccessDenied 2150859013",
		wsmantest.FaultNotFound: "wsa:DestinationUnreachable 2150858752", wsmantest.FaultTimedOut: "wsman:TimedOut 2150858793",
		wsmantest.FaultPullTimedOut: "wsen:TimedOut 2150858780", wsmantest.FaultQuotaLimit: "wsman:QuotaLimit 2150858815",
		wsmantest.FaultQuotaMaxOperations: "wsman:QuotaLimit 2150859174", wsmantest.FaultQuotaUser: "wsman:QuotaLimit 2150859175",
		wsmantest.FaultInternalError: "wsman:InternalError 1359", wsmantest.FaultInvalidContext: "wsen:InvalidEnumerationContext 2150858779",
		wsmantest.FaultEnvelopeTooLarge: "wsman:EncodingLimit 2150858824", wsmantest.FaultInvalidParameter: "wsman:InvalidParameter 87",
		wsmantest.FaultDatetime: "wsman:SchemaValidationError 2150858817",
	}
	for name, text := range want {
		subcode, number, _ := strings.Cut(text, " ")
		for layout := wsmantest.LayoutPlain; layout <= wsmantest.LayoutBare; layout++ {
			s := newServer(t, wsmantest.Config{Rules: []wsmantest.Rule{{Fault: name, Layout: layout}}})
			_, err := newClient(t, s, wsman.Config{}).Get(t.Context(), &wsman.GetRequest{Resource: jobs(), Selectors: key(jobFailed)})
			f := faultOf(t, err)
			if string(f.Subcode) != subcode || f.Reason == "" {
				t.Errorf("%s, layout %d: subcode %s, reason %q", name, layout, f.Subcode, f.Reason)
			}
			if layout <= wsmantest.LayoutNested && f.WSManFault.RawCode != number {
				t.Errorf("%s, layout %d: code %s, want %s", name, layout, f.WSManFault.RawCode, number)
			}
			if got := [2]bool{f.WSManFault != nil, f.WMIError != nil}; got != [2]bool{layout <= wsmantest.LayoutNested, layout == wsmantest.LayoutWMIError} {
				t.Errorf("%s, layout %d: WSManFault and WMIError %v", name, layout, got)
			}
		}
	}
}
