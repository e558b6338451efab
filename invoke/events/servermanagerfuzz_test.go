package events_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// smSame is a Transport that always gives the same answer.
type smSame struct {
	body  []byte
	calls int
}

func (s *smSame) RoundTrip(context.Context, *wsman.Request) (*wsman.Reply, error) {
	s.calls++
	header := http.Header{"Content-Type": {"application/soap+xml;charset=UTF-8"}}
	return &wsman.Reply{Body: s.body, StatusCode: http.StatusOK, Header: header}, nil
}

// FuzzItem reads any answer, again and again: it ends, with events that say where they are from, or with an error.
func FuzzItem(f *testing.F) {
	item := smItem(7, smTime(7), "It failed: <A&B> (0x8009030E)")
	for _, body := range []string{
		smOutput([]string{item, item}, "0"), smOutput(nil, "0"), smOutput(nil, "15007"), smOutput(unnumbered([]string{item}), "0"),
		smFault("wsman:InternalError", 0x80073A9F, "t"), smFault("wsman:EncodingLimit", 0x80338048, "t"), smNested("wsman:InternalError", 1359, 5),
		"<i:InteractiveEvent><i:Value>" + item + "</i:Value></i:InteractiveEvent>",
		"<i:InteractiveEvent><i:Value><p:a>" + item + "</p:a></i:Value></i:InteractiveEvent>" + smOutput(nil, "0"),
		smOutput([]string{`<p:Id xsi:nil="true"/><p:Id>x</p:Id><p:Timestamp>1</p:Timestamp><p:X xml:lang="de" p:y="z"/>`, "text", ""}, "-1"),
		"<p:GetServerEventDetailEx_OUTPUT/>",
	} {
		f.Add(smEnvelope(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		h := &smSame{body: body}
		s := events.NewServerManager(smClient(t, h))
		n := 0
		for e, err := range s.Events(t.Context(), &events.Selection{Channel: smChannel, KeepRaw: true}) {
			if err != nil {
				continue
			}
			if n++; e.Log != smChannel || e.Route != events.RouteServerManager {
				t.Errorf("event of %q by %q", e.Log, e.Route)
			}
			if err := etree.NewDocument().ReadFromBytes(e.Raw); err != nil {
				t.Errorf("%v in %q", err, e.Raw)
			}
		}
		if h.calls > 30 || n > strings.Count(string(body), "<") {
			t.Errorf("%d events in %d calls", n, h.calls)
		}
	})
}
