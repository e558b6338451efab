package events_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

// addEvents seeds f with texts of events, whole, cut, and in the ways in which a host may write them.
func addEvents(f *testing.F) {
	f.Helper()
	for _, text := range []string{
		movedEvent(1),
		"<?xml version='1.0' encoding='utf-16'?><Events>" + movedEvent(1) + "\r\n" + movedEvent(2) + "</Events>",
		"<Event><System><EventID Qualifiers='x'>1</EventID><TimeCreated SystemTime='2026-03-02T10:11:12.874847300Z'/></System></Event>",
		"<e:Event><e:EventData><Data Name='a'>1<b>2</b><![CDATA[</e:Event>]]></Data><!-- > --><?a ?></e:EventData></e:Event>x<Event/>",
		"<Event><a b='>' b=\"<\"></c></Event>< <!DOCTYPE a>",
		"<Event>\xfc&#1;\x02&#xD800;</Event>",
	} {
		for _, encode := range encodings() {
			b := encode(text)
			f.Add(b)
			f.Add(b[:len(b)*2/3])
		}
	}
}

// checkEvent looks for what an event never has.
func checkEvent(t *testing.T, e *events.Event) {
	t.Helper()
	if len(e.Fields) > 4096 || len(e.Problems) > 16 {
		t.Errorf("%d fields, %d problems", len(e.Fields), len(e.Problems))
	}
	if !e.Time.IsZero() && e.TimeText != "" {
		t.Errorf("the time %v and the text %q", e.Time, e.TimeText)
	}
	for _, f := range e.Fields {
		if !utf8.ValidString(f.Value) {
			t.Errorf("field %q = %q", f.Name, f.Value)
		}
	}
	if !utf8.ValidString(e.Message()) {
		t.Errorf("message %q", e.Message())
	}
}

// FuzzDecodeEvent: one of event and error, and what is kept raw decodes to the same.
func FuzzDecodeEvent(f *testing.F) {
	addEvents(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := events.DecodeEvent(in)
		if (e == nil) == (err == nil) {
			t.Fatalf("DecodeEvent returned %v and %v", e, err)
		}
		if e != nil {
			checkEvent(t, e)
		}
	})
}

// FuzzReader: the same events and errors, whatever the chunks in which the text arrives; and each event that is kept raw is one.
func FuzzReader(f *testing.F) {
	addEvents(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		want := readerSteps(events.NewReader(bytes.NewReader(in)))
		got := readerSteps(events.NewReader(&chunks{in, rand.New(rand.NewPCG(1, uint64(len(in))))}))
		if !slices.Equal(got, want) {
			t.Fatalf("in chunks: %q, as a whole: %q", got, want)
		}
		r := events.NewReader(bytes.NewReader(in))
		r.KeepRaw = true
		for range want {
			e, err := r.Next()
			if err != nil {
				continue
			}
			checkEvent(t, e)
			if bytes.IndexByte(e.Raw, 0) >= 0 {
				continue // alone, it would be taken for UTF-16
			}
			if _, err := events.DecodeEvent(e.Raw); err != nil {
				t.Errorf("the raw event %q: %v", e.Raw, err)
			}
		}
	})
}

// chunks gives its text in pieces of up to 20 bytes.
type chunks struct {
	b []byte
	r *rand.Rand
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b[:min(len(c.b), 1+c.r.IntN(20))])
	c.b = c.b[n:]
	return n, nil
}

// FuzzWevtutil: whatever a command writes, and however it ends, the channel is read to an end, and no command is left.
func FuzzWevtutil(f *testing.F) {
	f.Add([]byte(movedEvent(1)), []byte("x"), 0)
	f.Add(utf16Text("<Event/><Event>", binary.LittleEndian), utf16Text("Zugriff verweigert", binary.LittleEndian), 0)
	f.Add([]byte("Oje"), []byte{}, 15007)
	f.Add([]byte(movedEvent(1)), []byte("\xfc"), 15011)
	f.Add([]byte(movedEvent(1)+"<Event>"), []byte("\xff\xfea"), 15027)
	f.Fuzz(func(t *testing.T, out, message []byte, code int) {
		run := func(_ context.Context, stdout, stderr io.Writer) (int, error) {
			_, err := stdout.Write(out)
			_, err2 := stderr.Write(message)
			return code, errors.Join(err, err2)
		}
		s := &shell{t: t, runs: []shellRun{run, run}}
		failed, remarks := 0, 0
		for e, err := range events.NewWevtutil(s).Events(t.Context(), &events.Selection{Channel: vmmsAdmin}) {
			if (e == nil) == (err == nil) {
				t.Fatalf("yielded %v and %v", e, err)
			}
			_, remark := errors.AsType[*events.StderrError](err)
			switch {
			case remark:
				remarks++
			case err != nil && !errors.Is(err, events.ErrTooLarge):
				failed++
			}
			if failed+remarks > 0 && err == nil {
				t.Error("an event after an error")
			}
		}
		if failed > 1 || remarks > 1 || s.running != 0 || len(s.commands) == 0 {
			t.Errorf("%d errors, %d remarks, %d commands, %d running", failed, remarks, len(s.commands), s.running)
		}
	})
}
