package events_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// The benchmarks of this file read the same log of 10,000 events, some 10 MB, from the bytes that arrive to incidents, by each route, and
// let etree alone parse those bytes. The ratio of the two is to stay at or below 1.3.

// A logged is an event of that log.
type logged struct {
	record  int
	id      int
	level   int
	vm      string
	guid    string
	message string
}

// loggedEvents is a busy host: of each 20 events two are a migration, one of ten of which fails, for a reason that a third event tells.
func loggedEvents() []logged {
	list := make([]logged, 10_000)
	filler := strings.Repeat("It was so. ", 50)
	for i := range list {
		n := i / 20
		e := logged{record: len(list) - i, id: 18596, level: 4, vm: fmt.Sprintf("vm-%d", n), guid: fmt.Sprintf("7C4C0D6F-9E7B-4B7C-9C1B-%012d", n)}
		text := "'%s' answered. (%s)"
		switch fails := n%10 == 0; {
		case i%20 == 0 && fails:
			e.id, e.level, text = 21024, 2, "The migration of '%s' failed at the source. (ID %s)"
		case i%20 == 0:
			e.id, text = 20418, "The migration of '%s' is complete. (ID %s)"
		case i%20 == 1 && fails:
			e.id, e.level, text = 20306, 2, "No connection for '%s' (%s): refused (0x8007274D)."
		case i%20 == 2:
			e.id, text = 20413, "The migration of '%s' has begun. (ID %s)"
		}
		e.message = fmt.Sprintf(text, e.vm, e.guid) + "\r\n" + filler
		list[i] = e
	}
	return list
}

// at is when the event was written: an hour for 20 of them, the three of a migration within seconds.
func (e *logged) at() time.Time {
	n := e.record - 1
	return smTime(0).Add(time.Duration(n/20)*time.Hour + time.Duration(n%20)*time.Second)
}

func (e *logged) item() string {
	return strings.NewReplacer("<p:Id>21024", fmt.Sprintf("<p:Id>%d", e.id), "<p:Level>2", fmt.Sprintf("<p:Level>%d", e.level)).
		Replace(smItem(uint64(e.record), e.at(), e.message))
}

func (e *logged) xml() string {
	return fmt.Sprintf(`<Event xmlns='%s'><System><Provider Name='Microsoft-Windows-Hyper-V-VMMS' Guid='{6066f867-7ca1-4418-85fd-36e3f9c0600c}'/>`+
		`<EventID>%d</EventID><Version>0</Version><Level>%d</Level><Task>0</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>`+
		`<TimeCreated SystemTime='%s'/><EventRecordID>%d</EventRecordID><Correlation/><Execution ProcessID='2600' ThreadID='4188'/>`+
		`<Channel>%s</Channel><Computer>alder.example.test</Computer><Security UserID='S-1-5-18'/></System>`+
		`<UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'><VmName>%s</VmName><VmId>%s</VmId></VmlEventLog></UserData>`+
		`<RenderingInfo Culture='en-US'><Message>%s</Message><Level>Error</Level><Task></Task><Opcode>Info</Opcode><Channel/><Provider/><Keywords/></RenderingInfo></Event>`,
		xmlNamespace, e.id, e.level, e.at().Format("2006-01-02T15:04:05.0000000Z"), e.record, smChannel, e.vm, e.guid, smEscape(e.message))
}

// readLog reads the log by a route.
func readLog(b *testing.B, src events.Source) {
	b.Helper()
	r, err := events.Read(b.Context(), src, &events.Query{Channels: []string{smChannel}})
	if err != nil || len(r.Incidents) != 500 || r.Logs[0].Read != 10_000 {
		b.Fatalf("%d incidents, %d events, %v", len(r.Incidents), r.Logs[0].Read, err)
	}
}

// loggedPages returns the answers by route C: pages of 200, the empty one, and the oldest event.
func loggedPages(b *testing.B) [][]byte {
	b.Helper()
	list := loggedEvents()
	var pages [][]byte
	size := 0
	for first := 0; first < len(list); first += 200 {
		var items []string
		for i := range list[first : first+200] {
			items = append(items, list[first+i].item())
		}
		pages = append(pages, smEnvelope(smOutput(items, "0")))
		size += len(pages[len(pages)-1])
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	last := list[len(list)-1]
	return append(pages, smEnvelope(smOutput(nil, "0")), smEnvelope(smOutput([]string{last.item()}, "0")))
}

func BenchmarkReadServerManager(b *testing.B) {
	pages := loggedPages(b)
	for b.Loop() {
		readLog(b, events.NewServerManager(smClient(b, &smCanned{pages: pages})))
	}
}

func BenchmarkReadServerManagerEtree(b *testing.B) {
	pages := loggedPages(b)
	for b.Loop() {
		for _, page := range pages {
			if err := etree.NewDocument().ReadFromBytes(page); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A typist is a Runner that writes the log, in chunks of 32 KiB, and then its oldest event.
type typist struct{ outputs [][]byte }

func (t *typist) Run(_ context.Context, _ string, stdout, _ io.Writer) (int, error) {
	out := t.outputs[0]
	t.outputs = t.outputs[1:]
	for len(out) > 0 {
		n := min(len(out), 32<<10)
		if _, err := stdout.Write(out[:n]); err != nil {
			return 0, err
		}
		out = out[n:]
	}
	return 0, nil
}

func BenchmarkReadShell(b *testing.B) {
	list := loggedEvents()
	var text strings.Builder
	for i := range list {
		text.WriteString(list[i].xml())
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	out := utf16Text(text.String(), binary.LittleEndian)
	oldest := utf16Text(list[len(list)-1].xml(), binary.LittleEndian)
	for b.Loop() {
		readLog(b, events.NewWevtutil(&typist{[][]byte{out, oldest}}))
	}
}

func BenchmarkReadShellEtree(b *testing.B) {
	list := loggedEvents()
	docs := make([][]byte, len(list))
	size := 0
	for i := range list {
		docs[i] = []byte(list[i].xml())
		size += len(docs[i])
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, doc := range docs {
			if _, err := etree.NewDocument().ReadFrom(bytes.NewReader(doc)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
