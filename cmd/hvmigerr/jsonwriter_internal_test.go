// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A jsonSample makes values of all kinds that answers have, and what encoding/json writes for each: of objects, which it does not know,
// what it writes for their keys and values.
type jsonSample struct {
	t    testing.TB
	rand *rand.Rand
	text string // one of the texts
}

// A sampleStruct is like those that answers hold: with objects in it.
type sampleStruct struct {
	Text   string   `json:"text"`
	Null   *int     `json:"null"`
	Object object   `json:"object"`
	List   []object `json:"list"`
	Any    any      `json:"any,omitempty"`
}

// plain returns what encoding/json writes for a value that holds no object.
func (s *jsonSample) plain(v any) string {
	s.t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// word returns a text that is not easy to write.
func (s *jsonSample) word() string {
	list := []string{
		"", "key", s.text, "<a href='x'>&amp;</a>", "\u2028\u2029", "\xff\xfe", "\xed\xa0\x80", "\u202e\U000e0041", "\x00\x1b[2J\n\t\"\\", "\ufffd", "\U0001f600", `{"a":[1]}`,
	}
	return list[s.rand.IntN(len(list))]
}

// scalar returns a value without parts.
func (s *jsonSample) scalar() any {
	n := s.rand.Int64()
	list := []any{
		nil, true, n, uint32(n), float64(n) / 3, math.SmallestNonzeroFloat64, json.Number("1e400"), s.word(), (*int)(nil), &n, (*string)(nil), []string(nil),
		[]string{},
		[]string{s.word(), s.word()},
		[]any{},
		map[string]any{"b": s.word(), "a": nil},
		struct{}{},
		[]byte("x"),
		json.RawMessage(`{"a": "<"}`), &errorReport{Message: s.word(), Codes: []uint32{5}},
	}
	return list[s.rand.IntN(len(list))]
}

// value returns a value and its JSON.
func (s *jsonSample) value(depth int) (any, string) {
	kind := s.rand.IntN(7)
	if depth == 0 {
		kind = 6
	}
	switch kind {
	case 0, 1:
		o, want := s.object(depth)
		return o, want
	case 2:
		list, want := s.list(depth)
		return list, want
	case 3:
		o, first := s.object(depth - 1)
		v, second := s.value(depth - 1)
		return []any{o, v}, "[" + first + "," + second + "]"
	case 4:
		o, want := s.object(depth - 1)
		return map[string]any{"a": o}, `{"a":` + want + "}"
	case 5:
		return s.structure(depth - 1)
	}
	v := s.scalar()
	return v, s.plain(v)
}

func (s *jsonSample) object(depth int) (object, string) {
	if s.rand.IntN(6) == 0 {
		return nil, "null"
	}
	o, want := object{}, []string{}
	for range s.rand.IntN(4) {
		key := s.word()
		v, text := s.value(max(depth-1, 0))
		o, want = append(o, member{key, v}), append(want, s.plain(key)+":"+text)
	}
	return o, "{" + strings.Join(want, ",") + "}"
}

func (s *jsonSample) list(depth int) ([]object, string) {
	if s.rand.IntN(6) == 0 {
		return nil, "null"
	}
	list, want := []object{}, []string{}
	for range s.rand.IntN(4) {
		o, text := s.object(max(depth-1, 0))
		list, want = append(list, o), append(want, text)
	}
	return list, "[" + strings.Join(want, ",") + "]"
}

func (s *jsonSample) structure(depth int) (*sampleStruct, string) {
	v := &sampleStruct{Text: s.word()}
	var first, second string
	v.Object, first = s.object(depth)
	v.List, second = s.list(depth)
	want := `{"text":` + s.plain(v.Text) + `,"null":null,"object":` + first + `,"list":` + second
	if s.rand.IntN(2) == 0 {
		var third string
		if v.Any, third = s.value(depth); v.Any != nil {
			want += `,"any":` + third
		}
	}
	return v, want + "}"
}

// FuzzFormatJSON: whatever is nested in whatever, JSON is what encoding/json writes, but for the characters that are escaped so that
// they are safe on a terminal.
func FuzzFormatJSON(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, "seed\u2028\xff<")
	}
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		s := &jsonSample{t, rand.New(rand.NewPCG(seed, 6)), text}
		v, want := s.value(4)
		got, err := formatJSON(v, "", "")
		if err != nil || string(got) != string(escapeJSON([]byte(want)))+"\n" {
			t.Fatalf("%v\ngot  %s\nwant %s", err, got, want)
		}
		var folded bytes.Buffer
		if err := json.Indent(&folded, []byte(want+"\n"), "    ", "  "); err != nil {
			t.Fatal(err)
		}
		if got, err := formatJSON(v, "    ", "  "); err != nil || !bytes.Equal(got, escapeJSON(folded.Bytes())) {
			t.Fatalf("%v\ngot  %s\nwant %s", err, got, &folded)
		}
		if bytes.ContainsFunc(got, hiddenInJSON) {
			t.Errorf("%q is not safe on a terminal", got)
		}
		if got, want := tokens(t, got), tokens(t, []byte(want)); !slices.Equal(got, want) {
			t.Errorf("escaping has changed %q to %q", want, got)
		}
	})
}

// tokens returns a text of JSON token by token.
func tokens(t *testing.T, text []byte) []json.Token {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var list []json.Token
	for {
		token, err := d.Token()
		if err != nil {
			return list
		}
		list = append(list, token)
	}
}

// TestFormatJSONFails: a value that JSON does not have is an error, wherever it stands.
func TestFormatJSONFails(t *testing.T) {
	t.Parallel()
	for _, v := range []any{math.NaN(), object{{"a", math.Inf(1)}}, []object{{{"a", object{{"b", func() {}}}}}}, []any{object{{"a", make(chan int)}}}} {
		if got, err := formatJSON(v, "", "  "); err == nil {
			t.Errorf("formatJSON(%v) = %s", v, got)
		}
	}
}

// BenchmarkJSON writes what get has to tell of the jobs of a host, with their explanations.
func BenchmarkJSON(b *testing.B) {
	var jobs []object
	for _, d := range recordedJobs(b, "administrator") {
		jobs = append(jobs, explained(diagnosedObject(d), &d.Diagnosis, true))
	}
	answer := jobItems("get")
	host := answer.object(&hostReport{Host: "hv01", URL: "http://hv01:5985/wsman"}, jobs)
	for _, format := range []struct{ name, indent string }{{"json", indentOfHost}, {"jsonl", ""}} {
		b.Run(format.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(encodeJSON(host, format.indent))))
			for b.Loop() {
				encodeJSON(host, format.indent)
			}
		})
	}
}
