package events

// The tests of this file look at what is found in texts and at what is learned of names, none of which is exported.

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGUIDInQuotes(t *testing.T) {
	t.Parallel()
	const id, name = "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11", "0D1A3C55-2B0E-4C7D-8E55-52A1F7C0BB02"
	for text, want := range map[string]string{
		"'" + name + "' (ID " + id + ")": id, "„" + name + "“ " + id: id, "「" + name + "」" + id: id,
		"'" + name + "'": name, "'" + name + "' '" + id + "'": name, "{" + id + "} '" + name + "'": id,
	} {
		if got := guidIn(text); got != want {
			t.Errorf("guidIn(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestQuotedNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"'it's 'so'' to 'HV02'.", []string{"it's 'so'", "HV02"}},
		{"''so'' at 'HV02'", []string{"'so'", "HV02"}},
		{`"19"" rack" at "HV02"`, []string{`19"`, "HV02"}},
		{"„a““ «b»» 「c」」", []string{"a“", "b»", "c」"}},
		{"'a''b'", []string{"a''b"}},
		{"'" + strings.Repeat("'", 600) + " 'a'", nil},
	} {
		if diff := cmp.Diff(tt.want, quotedPieces(tt.text, 4)); diff != "" {
			t.Errorf("quotedPieces(%q) (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestMayBeHost(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"HV01": true, "hv01.example.test": true, "10.0.0.1": true, "fe80::1%3": true, "hôte-1": true, "": true,
		"to 'HV02": false, "HV 01": false, "HV01\r\nHV02": false, `C:\vm`: false, "a/b": false, "„HV01": false, "HV\u00A001": false,
	} {
		if got := mayBeHost(name); got != want {
			t.Errorf("mayBeHost(%q) = %v", name, got)
		}
	}
}

func TestKeepsOrder(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"Operation for 'a' failed at 'b'.": true, "Fehler beim Umzug von „a“": true, "": false,
		"移動元 'a' での 'b'": false, "Echec pour « a » à la source « b »": false, "'b' için 'a' (theory)": false,
		strings.Repeat("x ", 200) + "the": false,
	} {
		if got := keepsOrder(text); got != want {
			t.Errorf("keepsOrder(%q) = %v", text, got)
		}
	}
}

// What one event tells is what the pieces of another are. Each record is the event of a number and a text; the last one is looked at.
func TestNames(t *testing.T) {
	t.Parallel()
	const web = "7C4C0D6F-9E7B-4B7C-9C1B-1F0A6A7B5C11"
	type said struct {
		id   uint32
		text string
	}
	for _, tt := range []struct {
		name                        string
		said                        []said
		vm, id, source, destination string
	}{
		{"a GUID is the machine", []said{{20413, "'HV02' ← '" + web + "'"}}, "", web, "", "HV02"},
		{"a machine without a GUID", []said{{20413, "The move of 'web-01' to 'HV02'"}, {21024, "'x' ← 'web-01' (" + web + ")"}}, "web-01", web, "x", ""},
		{"a machine that is called as a host", []said{
			{20306, "The host 'HV02'"}, {13003, "'HV02' " + web}, {20413, "'HV02' ← 'web-01'"},
		}, "web-01", "", "", "HV02"},
		{"an unknown text tells the GUID of one that is known", []said{
			{20413, "The move of 'web-01' to 'HV02'"}, {29999, "'HV02' has not 'web-01' (" + web + ")"}, {13003, "'web-01'"},
		}, "web-01", web, "", ""},
		{"an unknown text that names a host beside a GUID", []said{
			{20306, "The host 'HV02'"}, {29999, "'HV02' (" + web + ")"}, {13003, "'HV02'"},
		}, "HV02", "", "", ""},
		{"no host is called so", []said{{21024, "The move of 'web-01' failed at 'a source' (" + web + ")"}}, "web-01", web, "", ""},
	} {
		var records []*record
		for _, s := range tt.said {
			e := event("Hyper-V-VMMS", s.id, time.Time{})
			e.Rendering = &Rendering{Message: s.text}
			records = append(records, newRecord(e, map[eventKey]*meaning{}))
		}
		n := newNames(records)
		r := records[len(records)-1]
		n.resolve(r)
		if r.vm != tt.vm || r.id != tt.id || r.source != tt.source || r.destination != tt.destination {
			t.Errorf("%s: machine %q %q, from %q to %q", tt.name, r.vm, r.id, r.source, r.destination)
		}
	}
	named := event("Hyper-V-VMMS", 13003, time.Time{})
	named.Fields = []Field{{"VmName", "0D1A3C55-2B0E-4C7D-8E55-52A1F7C0BB02"}, {"VmId", web}}
	if r := newRecord(named, nil); r.vm != named.Fields[0].Value || r.id != web {
		t.Errorf("machine %q %q", r.vm, r.id)
	}
}

// What a host makes up of resources and names is bounded, and so is the time that it takes.
func TestNamesHostile(t *testing.T) {
	t.Parallel()
	var records []*record
	for i := range 5000 {
		records = append(records,
			&record{
				Event: &Event{}, key: eventKey{haProvider, 21502}, id: fmt.Sprintf("7C4C0D6F-9E7B-4B7C-9C1B-%012d", i),
				vm: "vm", prefix: fmt.Sprintf("kind %d ", i),
			},
			&record{Event: &Event{}, key: eventKey{"Hyper-V-VMMS", 21024}, pieces: []string{"a", "a", "vm", "vm"}, parts: []part{partVM, partSource}})
	}
	n := newNames(records)
	for _, r := range records {
		n.resolve(r)
	}
	if len(n.prefixes) != maxPrefixes {
		t.Errorf("%d prefixes", len(n.prefixes))
	}
	if r := records[1]; r.vm != "vm" && r.vm != "a" || r.source == "vm" {
		t.Errorf("machine %q, source %q", r.vm, r.source)
	}
}
