package wsman_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/testdata"
	"github.com/hvmigerr/hvmigerr/wsman"
)

var update = flag.Bool("update", false, "rewrite request.xml and want.json of testdata/exchange")

const messageID = "uuid:11111111-1111-4111-8111-111111111111"

const jobID = "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11"

var migrationJob = wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_MigrationJob"}

// script is a Transport that answers from a list and keeps what was sent.
type script struct {
	replies []func(*wsman.Request) (*wsman.Reply, error)
	sent    []*wsman.Request
}

func (s *script) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.sent = append(s.sent, req)
	if len(s.sent) > len(s.replies) {
		return nil, errors.New("the script has ended")
	}
	return s.replies[len(s.sent)-1](req)
}

// reply answers with a body under a status.
func reply(status int, body string) func(*wsman.Request) (*wsman.Reply, error) {
	return func(*wsman.Request) (*wsman.Reply, error) {
		h := http.Header{"Content-Type": {"application/soap+xml;charset=UTF-8"}, "Date": {"Fri, 20 Nov 2026 08:01:00 GMT"}}
		return &wsman.Reply{Body: []byte(body), StatusCode: status, Header: h}, nil
	}
}

// recorded answers with a case of testdata/exchange.
func recorded(t *testing.T, name string) func(*wsman.Request) (*wsman.Reply, error) {
	t.Helper()
	body := readCase(t, name, "response.xml")
	for line := range strings.Lines(readCase(t, name, "about.txt")) {
		if text, ok := strings.CutPrefix(line, "status: "); ok {
			status, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				t.Fatal(err)
			}
			return reply(status, body)
		}
	}
	t.Fatalf("%s/about.txt has no status", name)
	return nil
}

func readCase(t *testing.T, name, file string) string {
	t.Helper()
	b, err := fs.ReadFile(testdata.FS, "exchange/"+name+"/"+file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// newClient returns a client on transport with a fixed MessageID.
func newClient(t *testing.T, transport wsman.Transport, change ...func(*wsman.Config)) *wsman.Client {
	t.Helper()
	cfg := wsman.Config{
		Endpoint: "https://hv01.corp.example:5986/wsman", Transport: transport,
		NewMessageID: func() string { return messageID },
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := wsman.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// call makes the request that a case of testdata/exchange was written for.
func call(t *testing.T, c *wsman.Client, name string) (any, error) {
	t.Helper()
	ctx := t.Context()
	kind, _, _ := strings.Cut(name, "_")
	key := wsman.SelectorSet{{Name: "InstanceID", Value: jobID}}
	switch kind {
	case "identify":
		return c.Identify(ctx)
	case "get":
		return c.Get(ctx, &wsman.GetRequest{Resource: migrationJob, Selectors: key})
	case "geterror", "fault":
		return c.Invoke(ctx, &wsman.InvokeRequest{Resource: migrationJob, Selectors: key, Method: "GetError"})
	case "geterrorex":
		return c.Invoke(ctx, &wsman.InvokeRequest{Resource: migrationJob, Selectors: key, Method: "GetErrorEx"})
	case "serviceconfig":
		return c.ServiceConfig(ctx)
	case "formaterror":
		const class = "Msvm_VirtualSystemManagementService"
		return c.Invoke(ctx, &wsman.InvokeRequest{
			Resource: wsman.Resource{Namespace: "root/virtualization/v2", Class: class}, Method: "FormatError",
			Selectors: wsman.SelectorSet{
				{Name: "SystemCreationClassName", Value: "Msvm_ComputerSystem"},
				{Name: "SystemName", Value: "HV01"},
				{Name: "CreationClassName", Value: class},
				{Name: "Name", Value: "vmms"},
			},
			Input: []wsman.Parameter{{Name: "Errors", Value: []string{`<INSTANCE CLASSNAME="Msvm_Error"/>`, `<a b="&"/>`}}},
		})
	case "migrationnetworks":
		r := wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_VirtualSystemMigrationNetworkSettingData"}
		return collect(c.Enumerate(ctx, &wsman.EnumerateRequest{Resource: r}))
	case "enumerate":
		return collect(c.Enumerate(ctx, &wsman.EnumerateRequest{Resource: migrationJob, WithEPR: strings.HasSuffix(name, "_epr")}))
	}
	t.Fatalf("no call for case %s", name)
	return nil, errors.ErrUnsupported
}

func collect(seq func(func(*wsman.Instance, error) bool)) ([]*wsman.Instance, error) {
	var list []*wsman.Instance
	for i, err := range seq {
		if err != nil {
			return list, err
		}
		list = append(list, i)
	}
	return list, nil
}

// TestExchange replays testdata/exchange: the request must be request.xml, the result want.json.
func TestExchange(t *testing.T) {
	dirs, err := fs.ReadDir(testdata.FS, "exchange")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		name := dir.Name()
		if slices.Contains([]string{"enumerate_plain", "pull_more", "pull_end"}, name) {
			continue // parts of TestEnumeratePull
		}
		t.Run(name, func(t *testing.T) {
			s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){recorded(t, name)}}
			result, err := call(t, newClient(t, s), name)
			golden(t, name, "request.xml", s.sent[0].Body)
			golden(t, name, "want.json", dump(t, result, err))
		})
	}
}

// golden compares got with a file of a case, or writes the file with -update.
func golden(t *testing.T, name, file string, got []byte) {
	t.Helper()
	if *update {
		path := filepath.Join("..", "testdata", "exchange", name, file)
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(readCase(t, name, file), string(got)); diff != "" {
		t.Errorf("%s/%s (-want +got):\n%s", name, file, diff)
	}
}

// dump writes a result in a form that a person can review.
func dump(t *testing.T, result any, err error) []byte {
	t.Helper()
	var out any
	switch r := result.(type) {
	case *wsman.Instance:
		out = view(r)
	case *wsman.InvokeResponse:
		if r != nil {
			out = view(r.Output)
		}
	case []*wsman.Instance:
		var list []any
		for _, i := range r {
			list = append(list, view(i))
		}
		out = list
	case *wsman.ServiceConfig:
		if r != nil {
			r.Instance = nil
			out = r
		}
	case *wsman.Identity:
		r.Instance = nil
		out = r
	}
	if f, ok := errors.AsType[*wsman.Fault](err); ok {
		out = map[string]any{"error": err.Error(), "fault": faultView(f)}
	} else if err != nil {
		out = map[string]any{"error": err.Error()}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func view(i *wsman.Instance) any {
	if i == nil {
		return nil
	}
	props := [][]any{}
	for _, p := range i.Properties {
		props = append(props, propertyView(p))
	}
	v := map[string]any{"name": i.Name, "namespace": i.Namespace, "properties": props}
	if i.Type != "" {
		v["type"] = i.Type
	}
	if i.EPR != nil {
		v["epr"] = i.EPR
	}
	if !i.Date.IsZero() {
		v["date"] = i.Date
	}
	return v
}

// propertyView is [name, text] or [name, null] or [name, [children]].
func propertyView(p wsman.Property) []any {
	switch {
	case p.Nil:
		return []any{p.Name, nil}
	case len(p.Children) > 0:
		var children [][]any
		for _, c := range p.Children {
			children = append(children, propertyView(c))
		}
		return []any{p.Name, children}
	}
	return []any{p.Name, p.Text}
}

func faultView(f *wsman.Fault) any {
	return map[string]any{
		"code": f.Code, "subcode": f.Subcode, "reason": f.Reason, "lang": f.Lang, "faultDetail": f.FaultDetail, "action": f.Action,
		"status": f.HTTPStatus, "details": f.Details, "wsmanFault": wsmanFaultView(f.WSManFault), "wmiError": view(f.WMIError),
		"codes": f.Codes(), "text": f.Text(), "is": map[string]bool{
			"notFound": f.NotFound(), "accessDenied": f.AccessDenied(), "timedOut": f.TimedOut(), "quota": f.Quota(), "retryable": f.Retryable(),
		},
	}
}

func wsmanFaultView(w *wsman.WSManFault) any {
	if w == nil {
		return nil
	}
	v := map[string]any{"code": w.Code, "rawCode": w.RawCode, "machine": w.Machine, "message": w.Message}
	if w.Nested != nil {
		v["nested"] = wsmanFaultView(w.Nested)
	}
	if p := w.Provider; p != nil {
		var nested []any
		for _, n := range p.Nested {
			nested = append(nested, wsmanFaultView(n))
		}
		v["provider"] = map[string]any{
			"provider": p.Provider, "providerID": p.ProviderID, "path": p.Path, "message": p.Message, "nested": nested, "extendedStatus": view(p.ExtendedStatus),
		}
	}
	return v
}

// TestDate: the service's clock comes with every instance.
func TestDate(t *testing.T) {
	s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){recorded(t, "get_failed_job")}}
	i, err := newClient(t, s).Get(t.Context(), &wsman.GetRequest{Resource: migrationJob})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 20, 8, 1, 0, 0, time.UTC); !i.Date.Equal(want) {
		t.Errorf("Date = %v, want %v", i.Date, want)
	}
}
