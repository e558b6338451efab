package invoke_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// TestAddEvents: an event is told once, also when the job has said it, when another event has, or when the other end does.
func TestAddEvents(t *testing.T) {
	said := func(text string) invoke.Part {
		return invoke.Part{Source: invoke.SourceGetErrorEx, Error: &cimerror.MsvmError{Message: &text}}
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	event := func(id uint32, text string) invoke.LogEvent {
		return invoke.LogEvent{ID: id, Provider: "P", Channel: "C", RecordID: 7, Time: at, Text: text}
	}
	for _, tt := range []struct {
		name   string
		parts  []invoke.Part
		events []invoke.LogEvent
		other  *invoke.Diagnosis
		want   []string
	}{
		{"new", []invoke.Part{said("It failed.")}, []invoke.LogEvent{event(20306, "Nobody listens (0x8007274D).")}, nil, []string{"It failed.", "event 20306[0]: Nobody listens (0x8007274D)."}},
		{"said by the job", []invoke.Part{said("It failed.")}, []invoke.LogEvent{event(21024, "It  failed."), event(20306, "Why.")}, nil, []string{"It failed. also event", "event 20306[1]: Why."}},
		{"twice", nil, []invoke.LogEvent{event(1, "Why."), event(2, "Why.")}, nil, []string{"event 1[0]: Why."}},
		{"some lines said", []invoke.Part{said("It failed.")}, []invoke.LogEvent{event(21502, "It failed.\r\n\r\nWhy.")}, nil, []string{"It failed.", "event 21502[0]: It failed.\r\n\r\nWhy."}},
		{"without a text", nil, []invoke.LogEvent{event(1, " ")}, nil, []string{}},
		{"none", []invoke.Part{said("It failed.")}, nil, nil, []string{"It failed."}},
		{"at both ends", nil, []invoke.LogEvent{event(1, "Why.")}, &invoke.Diagnosis{Parts: []invoke.Part{{Source: invoke.SourceErrorDescription, Text: "Why."}, said("More.")}}, []string{"event 1[0]: Why. at other", "More."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &invoke.Diagnosis{Parts: tt.parts}
			d.AddEvents(tt.events)
			if tt.other != nil {
				d.Join("other", tt.other)
			}
			if diff := cmp.Diff(tt.want, briefly(t, d, at)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

// briefly writes the parts of d.
func briefly(t *testing.T, d *invoke.Diagnosis, at time.Time) []string {
	t.Helper()
	list := []string{}
	for _, p := range d.Parts {
		text := p.String()
		if e := p.Event; e != nil {
			if p.Source != invoke.SourceEvent || e.Text != p.Text || e.Provider != "P" || e.Channel != "C" || e.RecordID != 7 || !e.Time.Equal(at) {
				t.Errorf("part %+v of event %+v", p, e)
			}
			text = "event " + fmt.Sprint(e.ID) + "[" + fmt.Sprint(p.Index) + "]: " + text
		}
		for _, s := range p.Also {
			text += " also " + string(s)
		}
		if p.AlsoHost != "" {
			text += " at " + p.AlsoHost
		}
		list = append(list, text)
	}
	return list
}

// TestExplainEvents: what an event says is explained as what a job says is.
func TestExplainEvents(t *testing.T) {
	d := &invoke.Diagnosis{}
	d.AddEvents([]invoke.LogEvent{{ID: 20306, Text: "Keine Verbindung (0x8009030E)."}})
	e := explain.Diagnosis(d)
	if len(e.Findings) != 1 || e.Findings[0].Part != 0 || e.Findings[0].Code.Value != 0x8009030E {
		t.Errorf("findings %+v", e.Findings)
	}
}
