package events_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
)

const (
	smChannel = "Microsoft-Windows-Hyper-V-VMMS-Admin"
	smURI     = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/Microsoft/Windows/ServerManager/MSFT_ServerManagerTasks"
)

// An smCall is a call of the method as it arrived.
type smCall struct {
	filter    string
	skip, top int
	reverse   bool
	envelope  int // MaxEnvelopeSize
}

// An smHost is a Transport that answers the method from a list of items, the newest first. All of its answers are made when asked for,
// in the shape of facts/event-log.md §5.1; what a host may do otherwise is set by hand.
type smHost struct {
	items []string // the properties of each, as XML
	calls []smCall

	maxItems   int
	ignoreSkip bool
	ignoreTop  bool
	date       string
	// before, if set, is called before the call with this number is answered.
	before func(n int, h *smHost)
	// answer, if set, may take the place of the answer to a call.
	answer func(n int, c smCall) string
	// wrap writes the items of an answer; nil is a cmdletOutput each, and ReturnValue 0.
	wrap func(items []string) string
}

func (h *smHost) RoundTrip(ctx context.Context, req *wsman.Request) (*wsman.Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := smRead(req.Body)
	if err != nil {
		return nil, err
	}
	n := len(h.calls)
	h.calls = append(h.calls, c)
	if h.before != nil {
		h.before(n, h)
	}
	if h.answer != nil {
		if body := h.answer(n, c); body != "" {
			return h.reply(body), nil
		}
	}
	body := h.output(h.page(c))
	if len(body) > c.envelope {
		body = smFault("wsman:EncodingLimit", 0x80338048, "too large")
	}
	return h.reply(body), nil
}

func (h *smHost) page(c smCall) []string {
	items := h.items
	if !c.reverse {
		items = slices.Clone(items)
		slices.Reverse(items)
	}
	if !h.ignoreSkip {
		items = items[min(c.skip, len(items)):]
	}
	most := c.top
	if h.ignoreTop {
		most = len(items)
	}
	if h.maxItems > 0 {
		most = min(most, h.maxItems)
	}
	return items[:min(most, len(items))]
}

func (h *smHost) output(items []string) string {
	if h.wrap != nil {
		return h.wrap(items)
	}
	return smOutput(items, "0")
}

func (h *smHost) reply(body string) *wsman.Reply {
	header := http.Header{"Content-Type": {"application/soap+xml;charset=UTF-8"}}
	if h.date != "" {
		header.Set("Date", h.date)
	}
	return &wsman.Reply{Body: smEnvelope(body), StatusCode: http.StatusOK, Header: header}
}

func smEnvelope(body string) []byte {
	return []byte(`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:wsman="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:wsmb="http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"` +
		` xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"` +
		` xmlns:i="http://schemas.microsoft.com/wbem/wsman/1/cim/interactive.xsd" xmlns:p="` + smURI + `"><s:Header/><s:Body>` +
		body + `</s:Body></s:Envelope>`)
}

func smOutput(items []string, returnValue string) string {
	var b bytes.Buffer
	b.WriteString("<p:GetServerEventDetailEx_OUTPUT>")
	for _, item := range items {
		b.WriteString("<p:cmdletOutput>" + item + "</p:cmdletOutput>")
	}
	b.WriteString("<p:ReturnValue>" + returnValue + "</p:ReturnValue></p:GetServerEventDetailEx_OUTPUT>")
	return b.String()
}

func smFault(subcode string, code uint32, text string) string {
	return fmt.Sprintf(`<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>%s</s:Value></s:Subcode></s:Code>`+
		`<s:Reason><s:Text>%s</s:Text></s:Reason><s:Detail><f:WSManFault Code="%d"><f:Message>%[2]s</f:Message></f:WSManFault></s:Detail></s:Fault>`,
		subcode, smEscape(text), code)
}

// smNested is a fault that a provider made, within one of the service.
func smNested(subcode string, outer, inner uint32) string {
	return fmt.Sprintf(`<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>%s</s:Value></s:Subcode></s:Code>`+
		`<s:Reason><s:Text>outside</s:Text></s:Reason><s:Detail><f:WSManFault Code="%d"><f:Message><f:ProviderFault><f:WSManFault Code="%d">`+
		`<f:Message>inside</f:Message></f:WSManFault></f:ProviderFault></f:Message></f:WSManFault></s:Detail></s:Fault>`,
		subcode, outer, inner)
}

// smItem writes the properties of an event.
func smItem(record uint64, at time.Time, description string) string {
	return fmt.Sprintf(`<p:Description>%s</p:Description><p:Id>21024</p:Id><p:Level>2</p:Level><p:Log>%s</p:Log><p:QueryFileId xsi:nil="true"/>`+
		`<p:RecordId>%d</p:RecordId><p:Source>Microsoft-Windows-Hyper-V-VMMS</p:Source><p:Timestamp>%d</p:Timestamp>`,
		smEscape(description), smChannel, record, smFileTime(at))
}

func smFileTime(t time.Time) int64 {
	return (t.Unix()+11644473600)*10_000_000 + int64(t.Nanosecond())/100
}

func smEscape(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}

// smItems writes the events from the record with the number last down to the one with first.
func smItems(first, last uint64) []string {
	var items []string
	for id := last; id >= first && id > 0; id-- {
		items = append(items, smItem(id, smTime(id), "event "+strconv.FormatUint(id, 10)))
	}
	return items
}

// smTime is when the record with that number was written.
func smTime(record uint64) time.Time {
	return time.Date(2026, 11, 20, 8, 0, 0, 123456700, time.UTC).Add(time.Duration(record) * time.Second)
}

func smRead(body []byte) (smCall, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(body); err != nil {
		return smCall{}, err
	}
	var c smCall
	var err error
	number := func(path string) int {
		e := doc.FindElement(path)
		if e == nil {
			err = fmt.Errorf("no %s in %s", path, body)
			return 0
		}
		n, convertErr := strconv.Atoi(e.Text())
		if convertErr != nil {
			err = convertErr
		}
		return n
	}
	c.skip, c.top, c.envelope = number("//Skip"), number("//Top"), number("//MaxEnvelopeSize")
	if err != nil {
		return c, err
	}
	c.filter, c.reverse = doc.FindElement("//FilterXml").Text(), doc.FindElement("//ReverseDirection").Text() == "true"
	action, names := doc.FindElement("//Action").Text(), ""
	for _, e := range doc.FindElement("//Body/GetServerEventDetailEx_INPUT").ChildElements() {
		names += e.Tag + " "
	}
	if action != smURI+"/GetServerEventDetailEx" || names != "FilterXml Skip Top ReverseDirection " || doc.FindElement("//Selector") != nil {
		return c, fmt.Errorf("an odd request: %s", body)
	}
	return c, nil
}

func (h *smHost) source(tb testing.TB) *events.ServerManager {
	tb.Helper()
	return events.NewServerManager(smClient(tb, h))
}

func smClient(tb testing.TB, t wsman.Transport) *wsman.Client {
	tb.Helper()
	c, err := wsman.NewClient(wsman.Config{Endpoint: "https://hv01:5986/wsman", Transport: t, QuotaRetries: -1})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// An smResult is what a sequence of events brought.
type smResult struct {
	events  []*events.Event
	records []uint64
	large   int   // ErrTooLarge in place of an event
	err     error // what ended it
}

func smCollect(tb testing.TB, seq iter.Seq2[*events.Event, error]) *smResult {
	tb.Helper()
	r := &smResult{}
	for e, err := range seq {
		switch {
		case r.err != nil:
			tb.Fatalf("%v, %v after the error %v", e, err, r.err)
		case err == events.ErrTooLarge: //nolint:errorlint // the bare one stands for an event; wrapped, it is the end
			r.large++
		case err != nil:
			r.err = err
		default:
			r.events = append(r.events, e)
			if e.RecordID != nil {
				r.records = append(r.records, *e.RecordID)
			}
		}
	}
	return r
}

// smRange returns the numbers from last down to first.
func smRange(first, last uint64) []uint64 {
	var ids []uint64
	for id := last; id >= first && id > 0; id-- {
		ids = append(ids, id)
	}
	return ids
}
