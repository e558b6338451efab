package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// schema names the version of the JSON that this program writes. Within it no key changes its name or meaning.
const schema = "hvmigerr/v1"

// never is how Windows writes a time that has not come; JSON repeats it for the zero time.
const never = "1601-01-01T00:00:00Z"

// writeJSON writes v: folded for people with format json, in one line with jsonl.
func (a *app) writeJSON(v any, format string) error {
	indent := ""
	if format == outputJSON {
		indent = "  "
	}
	text, err := formatJSON(v, "", indent)
	if err != nil {
		return err
	}
	_, _ = a.out.Write(text) // the output keeps its error
	return nil
}

// formatJSON returns v as JSON with a line end: in one line, or folded as json.Indent does it where indent is not "".
func formatJSON(v any, prefix, indent string) ([]byte, error) {
	var b bytes.Buffer
	if err := newJSONWriter(&b).write(v); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	if indent != "" {
		var folded bytes.Buffer
		if err := json.Indent(&folded, b.Bytes(), prefix, indent); err != nil {
			return nil, err
		}
		b = folded
	}
	return escapeJSON(b.Bytes()), nil
}

// escapeJSON writes the characters that are not safe on a terminal as \uXXXX, which changes no value. In JSON they can stand
// only in strings.
func escapeJSON(text []byte) []byte {
	if !bytes.ContainsFunc(text, hiddenInJSON) {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch r1, r2 := utf16.EncodeRune(r); {
		case !hiddenInJSON(r):
			b.WriteRune(r)
		case r1 != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x\u%04x`, r1, r2)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

func hiddenInJSON(r rune) bool { return r != '\n' && r != utf8.RuneError && unsafeRune(r) }

// An object is a JSON object whose keys keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in order; null for nil.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	err := newJSONWriter(&b).write(o)
	return b.Bytes(), err
}

// A jsonWriter writes values one after another. It knows objects, and lists of them: encoding/json would check and copy what
// each one marshals to, once more for every object around it.
type jsonWriter struct {
	b *bytes.Buffer
	e *json.Encoder // writes to b
}

func newJSONWriter(b *bytes.Buffer) *jsonWriter {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return &jsonWriter{b, e}
}

func (w *jsonWriter) write(v any) error {
	switch v := v.(type) {
	case object:
		if v != nil {
			return w.object(v)
		}
	case []object:
		if v != nil {
			return w.list(v)
		}
	default:
		err := w.e.Encode(v)
		w.b.Truncate(max(w.b.Len()-1, 0)) // its line end
		return err
	}
	w.b.WriteString("null")
	return nil
}

func (w *jsonWriter) object(o object) error {
	separator := byte('{')
	for _, m := range o {
		w.b.WriteByte(separator)
		separator = ','
		if err := w.write(m.key); err != nil {
			return err
		}
		w.b.WriteByte(':')
		if err := w.write(m.value); err != nil {
			return err
		}
	}
	if len(o) == 0 {
		w.b.WriteByte('{')
	}
	w.b.WriteByte('}')
	return nil
}

func (w *jsonWriter) list(list []object) error {
	w.b.WriteByte('[')
	for i, o := range list {
		if i > 0 {
			w.b.WriteByte(',')
		}
		if err := w.write(o); err != nil {
			return err
		}
	}
	w.b.WriteByte(']')
	return nil
}

// cimObject returns the CIM properties of a struct that has a field for each, by CIM's own names: *invoke.MigrationJob and
// *cimerror.MsvmError. An enumeration X gives a number X and a text XName (DESIGN: JSON).
func cimObject(v any) object {
	var o object
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		name := s.Type().Field(i).Name
		if !isCIMProperty(name) {
			continue
		}
		value, text, enum := cimValue(s.Field(i))
		o = append(o, member{name, value})
		if enum {
			o = append(o, member{name + "Name", text})
		}
	}
	return o
}

// isCIMProperty tells the fields that are properties from those that describe what arrived.
func isCIMProperty(field string) bool { return field != "Instance" && field != "Problems" }

// cimValue returns the JSON value of a field and, of an enumeration, its text or texts. Nil is NULL.
func cimValue(f reflect.Value) (value, text any, enum bool) {
	enum = isEnum(f.Type().Elem())
	if f.IsNil() {
		return nil, nil, enum
	}
	if f.Kind() == reflect.Slice {
		if !enum {
			return f.Interface(), nil, false
		}
		numbers, texts := []int64{}, []string{}
		for i := range f.Len() {
			n, t := enumValue(f.Index(i))
			numbers, texts = append(numbers, n), append(texts, t)
		}
		return numbers, texts, true
	}
	switch t := f.Interface().(type) {
	case *time.Time:
		return cimTime(*t), nil, false
	case *time.Duration:
		return t.Seconds(), nil, false
	}
	if enum {
		n, t := enumValue(f.Elem())
		return n, t, true
	}
	return f.Interface(), nil, false
}

// isEnum tells an enumeration: a number that knows its name.
func isEnum(t reflect.Type) bool {
	return t != reflect.TypeFor[time.Duration]() && t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 &&
		t.Implements(reflect.TypeFor[fmt.Stringer]())
}

func enumValue(v reflect.Value) (int64, string) {
	name := v.Interface().(fmt.Stringer).String() //nolint:forcetypeassert // isEnum has looked
	if v.CanInt() {
		return v.Int(), name
	}
	return int64(v.Uint()), name //nolint:gosec // CIM's enumerations have at most 32 bits
}

// cimTime writes a time as JSON has it.
func cimTime(t time.Time) string {
	if t.IsZero() {
		return never
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// jobObject returns a job as JSON has it.
func jobObject(d *diagnosed) object {
	j := d.Job
	o := object{{"vm", nullable(d.VM)}, {"failed", j.Failed()}}
	removal, known := j.Removal()
	if known {
		o = append(o, member{"expires", cimTime(removal)})
	} else {
		o = append(o, member{"expires", nil})
	}
	o = append(o, cimObject(j)...)
	return append(o, member{"otherProperties", otherJobProperties(j.Instance)}, member{"problems", texts(j.Problems)})
}

// diagnosedObject returns a job with what the host said about it and, if that was asked for, with what its other end did.
func diagnosedObject(d *diagnosed) object {
	o := append(jobObject(d),
		member{"expired", d.Expired},
		member{"returnValues", returnValues(d.Answers)},
		member{"error", newErrorReport(d.err)},
		member{"errors", partObjects(d.ownParts())},
	)
	if d.log != nil {
		o = append(o, member{"eventLog", d.log.object()})
	}
	if d.bothEnds {
		o = append(o, member{"destination", d.other.object(&d.Diagnosis)})
	}
	return o
}

// returnValues returns, for each method that was asked, its number and the name of that; null when none came.
func returnValues(answers []*invoke.Answer) object {
	o := object{}
	for _, a := range answers {
		number, name := returnValue(a)
		o = append(o, member{a.Method, number}, member{a.Method + "Name", name})
	}
	return o
}

func returnValue(a *invoke.Answer) (number, name any) {
	if !a.Returned {
		return nil, nil
	}
	return uint32(a.ReturnValue), a.ReturnValue.String()
}

// returnedList returns the same for answers of which several may be of one method, in their order.
func returnedList(answers []*invoke.Answer) []object {
	list := make([]object, 0, len(answers))
	for _, a := range answers {
		number, name := returnValue(a)
		list = append(list, object{{"method", a.Method}, {"returnValue", number}, {"returnValueName", name}})
	}
	return list
}

// rawTexts returns the CIM-XML texts of each method as received.
func rawTexts(answers []*invoke.Answer) object {
	o := object{}
	for _, a := range answers {
		o = append(o, member{a.Method, append([]string{}, a.Raw...)})
	}
	return o
}

func partObjects(parts []invoke.Part) []object {
	list := make([]object, 0, len(parts))
	for i := range parts {
		list = append(list, partObject(&parts[i]))
	}
	return list
}

// partObject returns one error: always all properties of CIM_Error, all null for a text of the job itself and for an instance of
// which nothing could be read.
func partObject(p *invoke.Part) object {
	o := object{
		{"source", p.Source},
		{"also", append([]invoke.Source{}, p.Also...)},
		{"index", p.Index},
		{"text", nullable(p.Text)},
	}
	o = append(o, errorObject(p.Error, p.DecodeError)...)
	if p.Event != nil {
		o = append(o, member{"event", partEvent(p.Event)})
	}
	return o
}

// errorObject returns the properties of an error instance and what is wrong with it.
func errorObject(e *cimerror.MsvmError, de *cimerror.DecodeError) object {
	problems := []string{}
	var raw any
	if de != nil {
		problems, raw = decodeProblems(de), de.Raw
		if de.Instance != nil {
			e = de.Instance.MsvmError()
		}
	}
	if e == nil {
		e = &cimerror.MsvmError{}
	}
	o := cimObject(e)
	var class any
	if e.Instance != nil {
		class = e.Instance.ClassName
	}
	return append(o,
		member{"class", class},
		member{"otherProperties", otherErrorProperties(e.Instance)},
		member{"problems", problems},
		member{"rawText", raw},
	)
}

// decodeProblems says everything that is wrong with an instance.
func decodeProblems(de *cimerror.DecodeError) []string {
	var list []string
	if de.Instance != nil {
		for i := range de.Instance.Properties {
			if p := &de.Instance.Properties[i]; p.Err != nil {
				list = append(list, p.Name+": "+p.Err.Error())
			}
		}
	}
	if len(list) == 0 {
		list = append(list, de.Error())
	}
	return list
}

// otherErrorProperties returns the properties that CIM_Error does not declare, as text: nothing that arrived is dropped. Of one
// that stands there more than once, the value is a list of all its values.
func otherErrorProperties(i *cimerror.Instance) object {
	o := object{}
	if i == nil {
		return o
	}
	values := map[string][]any{} // by name, in which case does not count
	for k := range i.Properties {
		p := &i.Properties[k]
		if declares[cimerror.MsvmError](p.Name) {
			continue
		}
		var value any = p.Raw
		switch {
		case p.Null:
			value = nil
		case p.Array:
			value = append([]*string{}, p.Items...)
		}
		key := strings.ToLower(p.Name)
		if values[key] == nil {
			o = append(o, member{key: p.Name})
		}
		values[key] = append(values[key], value)
	}
	for k := range o {
		list := values[strings.ToLower(o[k].key)]
		o[k].value = list
		if len(list) == 1 {
			o[k].value = list[0]
		}
	}
	return o
}

// otherJobProperties returns the properties that Msvm_MigrationJob does not declare, as text.
func otherJobProperties(i *wsman.Instance) object {
	o := object{}
	if i == nil {
		return o
	}
	seen := map[string]bool{}
	for k := range i.Properties {
		p := &i.Properties[k]
		if declares[invoke.MigrationJob](p.Name) || seen[strings.ToLower(p.Name)] {
			continue
		}
		seen[strings.ToLower(p.Name)] = true
		values, _ := i.Array(p.Name)
		switch len(values) {
		case 0:
			o = append(o, member{p.Name, nil})
		case 1:
			o = append(o, member{p.Name, values[0].Text})
		default:
			list := make([]string, len(values))
			for n := range values {
				list[n] = values[n].Text
			}
			o = append(o, member{p.Name, list})
		}
	}
	return o
}

// declares tells whether the struct T has a field for the CIM property of that name.
func declares[T any](property string) bool {
	_, ok := reflect.TypeFor[T]().FieldByNameFunc(func(name string) bool {
		return isCIMProperty(name) && strings.EqualFold(name, property)
	})
	return ok
}

// nullable returns s, or null when it is empty.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func texts(errs []error) []string {
	list := make([]string, 0, len(errs))
	for _, err := range errs {
		list = append(list, err.Error())
	}
	return list
}
