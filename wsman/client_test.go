package wsman_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/wsman"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

const quotaFault = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Body>` +
	`<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>w:QuotaLimit</s:Value></s:Subcode></s:Code></s:Fault></s:Body></s:Envelope>`

// envelope wraps a body in the smallest envelope.
func envelope(body string) string {
	return `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">` +
		`<s:Header><a:RelatesTo>` + messageID + `</a:RelatesTo></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

func getJob(ctx context.Context, c *wsman.Client) (*wsman.Instance, error) {
	return c.Get(ctx, &wsman.GetRequest{Resource: migrationJob, Selectors: wsman.SelectorSet{{Name: "InstanceID", Value: jobID}}})
}

// TestReplies: what is no answer becomes a typed error, whatever the status.
func TestReplies(t *testing.T) {
	good := envelope(`<p:X xmlns:p="urn:x"><p:A>1</p:A></p:X>`)
	tests := map[string]struct {
		status int
		body   string
		want   string // type: text
	}{
		"good":                      {200, good, ""},
		"utf-8 mark":                {200, "\ufeff" + good, ""},
		"utf-16 without a mark":     {200, utf16le(good), ""},
		"utf-16 with a mark":        {200, "\xff\xfe" + utf16le(good), ""},
		"no RelatesTo":              {200, strings.Replace(good, "<a:RelatesTo>"+messageID+"</a:RelatesTo>", "", 1), ""},
		"RelatesTo in URN form":     {200, strings.Replace(good, messageID, "urn:"+strings.ToUpper(messageID), 1), ""},
		"RelatesTo in braces":       {200, strings.Replace(good, messageID, "uuid:{"+messageID[5:]+"}", 1), ""},
		"a second RelatesTo":        {200, strings.Replace(good, "</s:Header>", `<a:RelatesTo RelationshipType="urn:other">uuid:0</a:RelatesTo></s:Header>`, 1), ""},
		"RelatesTo of type":         {200, strings.Replace(good, "<a:RelatesTo>", `<a:RelatesTo RelationshipType="wsa:Reply">`, 1), ""},
		"wrong RelatesTo":           {200, strings.Replace(good, messageID, "uuid:0", 1), "protocol: s:Header/wsa:RelatesTo: the answer is to another message"},
		"empty":                     {200, "", "protocol: an empty document"},
		"one octet":                 {200, "<", "protocol: not well-formed XML: XML syntax error on line 1: unexpected EOF"},
		"cut":                       {200, good[:len(good)-20], "protocol: not well-formed XML: XML syntax error on line 1: unexpected EOF"},
		"html":                      {200, "<html><body>hello</body></html>", `protocol: the root element is html in namespace "", not a SOAP 1.2 Envelope`},
		"SOAP 1.1":                  {200, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>`, `protocol: the root element is Envelope in namespace "http://schemas.xmlsoap.org/soap/envelope/", not a SOAP 1.2 Envelope`},
		"no body":                   {200, `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>`, "protocol: s:Envelope: no s:Body"},
		"empty body":                {200, envelope(""), "protocol: s:Body: one instance was due"},
		"two roots":                 {200, good + good, "protocol: a second root element"},
		"text after the root":       {200, good + "x", "protocol: text outside the root element"},
		"doctype":                   {200, "<!DOCTYPE x>" + good, "protocol: a document type declaration"},
		"entity":                    {200, envelope("<x>&bomb;</x>"), "protocol: not well-formed XML: XML syntax error on line 1: invalid character entity &bomb;"},
		"unbound prefix":            {200, envelope("<q:X/>"), "protocol: X: prefix q is not bound"},
		"duplicate attribute":       {200, envelope(`<X a="1" a="2"/>`), "protocol: X: attribute a stands twice"},
		"too many declarations":     {200, envelope(strings.Repeat("<X"+manyDeclarations(50)+">", 6) + strings.Repeat("</X>", 6)), "protocol: X: too many namespace declarations"},
		"too many attributes":       {200, envelope("<X" + manyAttributes(65) + "/>"), "protocol: X: too many attributes"},
		"too deep":                  {200, envelope(strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70)), "protocol: elements are nested too deeply: etree: XML tree exceeds maximum depth"},
		"too many elements":         {200, envelope(strings.Repeat("<a/>", 70000)), "protocol: too many elements"},
		"hidden by a comment":       {200, envelope("<!--> <![CDATA[ -->" + strings.Repeat("<a/>", 70000) + "<!-- ]]> -->"), "protocol: too many elements"},
		"hidden by a PI":            {200, envelope("<?a <!-- ?>" + strings.Repeat("<a/>", 70000) + "<?b --> ?>"), "protocol: too many elements"},
		"hidden by CDATA":           {200, envelope("<![CDATA[ <!-- ]]>" + strings.Repeat("<a/>", 70000) + "<!-- -->"), "protocol: too many elements"},
		"too long a tag":            {200, envelope(`<a b="` + strings.Repeat("x", 300000) + `"/>`), "protocol: a tag is too long"},
		"'>' in quotes ends no tag": {200, envelope(`<a b="` + strings.Repeat(">", 300000) + `"/>`), "protocol: a tag is too long"},
		"not UTF-8":                 {200, envelope("<a>\xe4</a>"), "protocol: the text is neither UTF-8 nor marked as UTF-16"},
		"mixed encodings":           {200, good + utf16le(good), "protocol: not well-formed XML: XML syntax error on line 1: expected element name after <"},
		"odd UTF-16":                {200, "\xff\xfe<", "protocol: UTF-16 text with an odd number of octets"},
		"no fault under 500":        {500, good, "protocol: s:Body: no fault under HTTP status 500"},
		"nothing under 500":         {500, " ", "http: HTTP 500 Internal Server Error; the answer is empty"},
		"html under 503":            {503, "<html/>", "http: HTTP 503 Service Unavailable; the answer is \"application/soap+xml;charset=UTF-8\", not SOAP"},
		"fault under 200":           {200, quotaFault, "fault: wsman:QuotaLimit"},
		"fault under 503":           {503, quotaFault, "fault: wsman:QuotaLimit"},
		"fault in other prefixes":   {500, strings.NewReplacer("w:", "wsen:", "xmlns:w=", "xmlns:wsen=").Replace(quotaFault), "fault: wsman:QuotaLimit"},
		"fault, prefix unbound":     {500, strings.Replace(quotaFault, "w:", "wsman:", 1), "fault: {}wsman:QuotaLimit"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){reply(test.status, test.body)}}
			_, err := getJob(t.Context(), newClient(t, s, func(c *wsman.Config) { c.QuotaRetries = -1 }))
			if got := describe(err); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func manyDeclarations(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " xmlns:a%d='urn:a'", i)
	}
	return b.String()
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

// describe names the kind of an error and the text inside its OpError.
func describe(err error) string {
	if err == nil {
		return ""
	}
	op, ok := errors.AsType[*wsman.OpError](err)
	if !ok {
		return "no OpError: " + err.Error()
	}
	kind := "other"
	if _, ok := errors.AsType[*wsman.Fault](err); ok {
		kind = "fault"
	}
	if _, ok := errors.AsType[*wsman.ProtocolError](err); ok {
		kind = "protocol"
	}
	if _, ok := errors.AsType[*wsman.HTTPError](err); ok {
		kind = "http"
	}
	return kind + ": " + op.Err.Error()
}

func utf16le(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
		b.WriteByte(byte(r >> 8))
	}
	return b.String()
}

func TestNewClient(t *testing.T) {
	tests := map[string]struct {
		cfg  wsman.Config
		want string
	}{
		"no transport":     {wsman.Config{Endpoint: "https://h/wsman"}, "wsman: Config.Transport is required"},
		"no endpoint":      {wsman.Config{Transport: &script{}}, `wsman: Config.Endpoint "" is not a URL with a host`},
		"relative":         {wsman.Config{Transport: &script{}, Endpoint: "/wsman"}, `wsman: Config.Endpoint "/wsman" is not a URL with a host`},
		"small envelope":   {wsman.Config{Transport: &script{}, Endpoint: "https://h/", MaxEnvelopeSize: 100}, "wsman: Config.MaxEnvelopeSize 100 is below 8192"},
		"negative timeout": {wsman.Config{Transport: &script{}, Endpoint: "https://h/", OperationTimeout: -1}, "wsman: Config.OperationTimeout -1ns is negative"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := wsman.NewClient(test.cfg)
			if err == nil || err.Error() != test.want {
				t.Errorf("NewClient = %v, want %q", err, test.want)
			}
		})
	}
}

// TestRetries: which operations are sent again, how often, after what.
func TestRetries(t *testing.T) {
	lost := func(*wsman.Request) (*wsman.Reply, error) {
		return nil, fmt.Errorf("reading the reply: %w", wsman.ErrConnectionLost)
	}
	refused := func(*wsman.Request) (*wsman.Reply, error) { return nil, errors.New("connection refused") }
	quota := reply(500, quotaFault)
	get := func(ctx context.Context, c *wsman.Client) error { _, err := getJob(ctx, c); return err }
	method := func(repeatable bool) func(context.Context, *wsman.Client) error {
		return func(ctx context.Context, c *wsman.Client) error {
			_, err := c.Invoke(ctx, &wsman.InvokeRequest{Resource: migrationJob, Method: "GetError", Repeatable: repeatable})
			return err
		}
	}
	list := func(ctx context.Context, c *wsman.Client) error {
		_, err := collect(c.Enumerate(ctx, &wsman.EnumerateRequest{Resource: migrationJob}))
		return err
	}
	first := reply(200, envelope(`<n:EnumerateResponse xmlns:n="`+wsman.NamespaceEnumeration+`"><n:EnumerationContext>c</n:EnumerationContext></n:EnumerateResponse>`))
	type replies = []func(*wsman.Request) (*wsman.Reply, error)
	tests := map[string]struct {
		call    func(context.Context, *wsman.Client) error
		replies replies
		sent    int
	}{
		"Get after a lost connection":                 {get, replies{lost, lost, lost}, 2},
		"Get after a refused one":                     {get, replies{refused, refused}, 1},
		"Get after quota faults":                      {get, replies{quota, quota, quota, quota, quota}, 4},
		"a repeatable method after a lost connection": {method(true), replies{lost, lost, lost}, 2},
		"another method":                              {method(false), replies{lost, lost}, 1},
		"another method after a quota fault":          {method(false), replies{quota, quota}, 1},
		"a fresh Enumerate":                           {list, replies{lost, lost, lost}, 2},
		"never a Pull, which is released instead":     {list, replies{first, lost, lost}, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: test.replies}
				if err := test.call(t.Context(), newClient(t, s)); err == nil {
					t.Error("no error")
				}
				if len(s.sent) != test.sent {
					t.Errorf("sent %d requests, want %d", len(s.sent), test.sent)
				}
			})
		})
	}
}

// TestRetryDeadline: a pause that the deadline does not leave room for is not begun.
func TestRetryDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){reply(500, quotaFault), reply(500, quotaFault), reply(500, quotaFault)}}
		ctx, cancel := context.WithTimeout(t.Context(), 1375100*time.Microsecond) // a second, and the longest first pause
		defer cancel()
		_, err := getJob(ctx, newClient(t, s))
		if wsman.SubcodeOf(err) != wsman.SubcodeQuotaLimit {
			t.Errorf("error = %v, want the quota fault", err)
		}
		if len(s.sent) != 2 {
			t.Errorf("sent %d requests, want 2: the second pause would pass the deadline", len(s.sent))
		}
		if ctx.Err() != nil {
			t.Error("waited until the deadline")
		}
	})
}

// TestOperationTimeout: the service is told what is left of the deadline, less a second.
func TestOperationTimeout(t *testing.T) {
	tests := map[string]struct {
		configured, deadline time.Duration
		want                 string
	}{
		"default":          {0, 0, "PT60.000S"},
		"configured":       {20 * time.Second, 0, "PT20.000S"},
		"deadline sooner":  {0, 30 * time.Second, "PT29.000S"},
		"deadline later":   {20 * time.Second, 40 * time.Second, "PT20.000S"},
		"almost no time":   {0, 1200 * time.Millisecond, "PT0.500S"},
		"cap of a Windows": {0, time.Hour, "PT60.000S"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				s := &script{}
				_, _ = getJob(ctx, newClient(t, s, func(c *wsman.Config) { c.OperationTimeout = test.configured }))
				if got := between(string(s.sent[0].Body), "<wsman:OperationTimeout>", "</"); got != test.want {
					t.Errorf("OperationTimeout = %s, want %s", got, test.want)
				}
			})
		})
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// TestTrace: the hook sees every exchange, without headers that could hold a secret.
func TestTrace(t *testing.T) {
	var seen []*wsman.Exchange
	replies := []func(*wsman.Request) (*wsman.Reply, error){
		func(*wsman.Request) (*wsman.Reply, error) {
			h := http.Header{"Content-Type": {"application/soap+xml"}, "Set-Cookie": {"canary"}, "Www-Authenticate": {"Negotiate canary"}, "Authorization": {"canary"}}
			return &wsman.Reply{Body: []byte(envelope(`<X/>`)), StatusCode: 200, Header: h, Sealed: true}, nil
		},
		func(*wsman.Request) (*wsman.Reply, error) {
			return nil, &wsman.HTTPError{StatusCode: 404, ContentType: "text/html", Body: []byte("<html>")}
		},
	}
	c := newClient(t, &script{replies: replies}, func(c *wsman.Config) {
		c.Trace = func(x *wsman.Exchange) { seen = append(seen, x) }
	})
	if _, err := getJob(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_, _ = getJob(t.Context(), c)
	if len(seen) != 2 {
		t.Fatalf("%d exchanges, want 2", len(seen))
	}
	if x := seen[0]; x.Operation != "Get" || x.Action != wsman.ActionGet || x.StatusCode != 200 || !x.Sealed || len(x.Request) == 0 || string(x.Response) != envelope(`<X/>`) {
		t.Errorf("first exchange = %+v", x)
	}
	if diff := cmp.Diff(http.Header{"Content-Type": {"application/soap+xml"}}, seen[0].Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if x := seen[1]; x.StatusCode != 404 || string(x.Response) != "<html>" || x.Err == nil {
		t.Errorf("second exchange = %+v", x)
	}
}

// TestSilentService: a caller without a deadline does not wait for ever.
func TestSilentService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := transportFunc(func(ctx context.Context, _ *wsman.Request) (*wsman.Reply, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		began := time.Now()
		_, err := getJob(t.Context(), newClient(t, silent, func(c *wsman.Config) { c.OperationTimeout = 2 * time.Second }))
		if took := time.Since(began); took != 17*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// TestTimeoutError tells the limit of a request from the deadline of the caller.
func TestTimeoutError(t *testing.T) {
	silent := transportFunc(func(ctx context.Context, _ *wsman.Request) (*wsman.Reply, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	early := transportFunc(func(context.Context, *wsman.Request) (*wsman.Reply, error) { // its timers are ahead of those of the context
		return nil, context.DeadlineExceeded
	})
	for _, tt := range []struct {
		transport       wsman.Transport
		deadline, limit time.Duration
	}{
		{silent, time.Hour, 75 * time.Second},
		{silent, 76 * time.Second, 75 * time.Second},
		{silent, 75 * time.Second, 0}, // the caller's own comes first
		{silent, time.Second, 0},
		{early, 75 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
			defer cancel()
			_, err := getJob(ctx, newClient(t, tt.transport))
			e, ok := errors.AsType[*wsman.TimeoutError](err)
			if ok != (tt.limit != 0) || ok && e.Limit != tt.limit || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("within %v: %v, want the limit %v", tt.deadline, err, tt.limit)
			}
		})
	}
}

// TestRefusalWithFault: a fault under 401 is told, and stays a refusal.
func TestRefusalWithFault(t *testing.T) {
	s := &script{replies: []func(*wsman.Request) (*wsman.Reply, error){func(*wsman.Request) (*wsman.Reply, error) {
		return nil, &wsman.HTTPError{StatusCode: 401, Tried: "Basic", Challenges: []string{"Basic"}, Body: []byte(quotaFault)}
	}}}
	_, err := getJob(t.Context(), newClient(t, s))
	if got, want := describe(err), "http: HTTP 401 Unauthorized; tried: Basic; offered: Basic; wsman:QuotaLimit"; got != want {
		t.Errorf("error = %s, want %s", got, want)
	}
	if e, _ := errors.AsType[*wsman.HTTPError](err); e.Fault == nil || e.Fault.HTTPStatus != 401 || wsman.SubcodeOf(err) != "" {
		t.Errorf("Fault = %+v, SubcodeOf = %q", e.Fault, wsman.SubcodeOf(err))
	}
}

// TestCancelled: nothing is sent for a caller who has left.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &script{}
	if _, err := getJob(ctx, newClient(t, s)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if len(s.sent) != 0 {
		t.Errorf("sent %d requests", len(s.sent))
	}
}

// A recorder keeps which requests were repeatable.
type recorder struct {
	wsman.Transport
	repeatable []bool
}

func (r *recorder) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	r.repeatable = append(r.repeatable, req.Repeatable)
	return r.Transport.RoundTrip(ctx, req)
}

// TestRepeatable: the transport is told what may be sent twice. A Pull may not: its page would be lost.
func TestRepeatable(t *testing.T) {
	server, err := wsmantest.NewServer(wsmantest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Transport: server.Transport("administrator")}
	client, err := wsman.NewClient(wsman.Config{Endpoint: server.URL(), Transport: r})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	jobs := &wsman.EnumerateRequest{
		Resource: wsman.Resource{Namespace: "root/virtualization/v2", Class: "Msvm_MigrationJob"}, MaxElements: 4,
	}
	for _, err := range client.Enumerate(t.Context(), jobs) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if want := []bool{true, true, false}; !slices.Equal(r.repeatable, want) {
		t.Errorf("Identify, Enumerate, Pull: repeatable %v, want %v", r.repeatable, want)
	}
}
