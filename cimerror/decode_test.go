package cimerror_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const samples = "../testdata/cimxml"

// sample returns one file of testdata/cimxml.
func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(samples, name+".xml"))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// sampleNames returns the names of all files of testdata/cimxml.
func sampleNames(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(samples, "*.xml"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no samples in %s: %v", samples, err)
	}
	for k, file := range files {
		files[k] = strings.TrimSuffix(filepath.Base(file), ".xml")
	}
	return files
}

// TestDecode compares what becomes of each sample with its golden file.
func TestDecode(t *testing.T) {
	for _, name := range sampleNames(t) {
		t.Run(name, func(t *testing.T) {
			text := sample(t, name)
			e, err := cimerror.Decode(text)
			got := map[string]any{}
			var i *cimerror.Instance
			if err != nil {
				d, ok := errors.AsType[*cimerror.DecodeError](err)
				if !ok || e != nil {
					t.Fatalf("Decode = %v and %T, want nil and *DecodeError", e, err)
				}
				if d.Raw != string(text) {
					t.Errorf("DecodeError.Raw = %q, want the file", d.Raw)
				}
				i = d.Instance
				got["error"] = map[string]any{"text": d.Error(), "path": d.Path, "property": d.Property}
			} else {
				i = e.Instance
				got["msvmError"] = errorView(e)
			}
			if i != nil {
				if i.Raw != string(text) {
					t.Errorf("Instance.Raw = %q, want the file", i.Raw)
				}
				got["instance"] = instanceView(i)
			}
			compareGolden(t, filepath.Join(samples, name+".golden.json"), got)
		})
	}
}

func compareGolden(t *testing.T, file string, got any) {
	t.Helper()
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(got); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// errorView is e by field, with NULL as null and the enumerations with their names.
func errorView(e *cimerror.MsvmError) map[string]any {
	return map[string]any{
		"CIMStatusCode": named(e.CIMStatusCode), "CIMStatusCodeDescription": e.CIMStatusCodeDescription,
		"ErrorSource": e.ErrorSource, "ErrorSourceFormat": named(e.ErrorSourceFormat), "ErrorType": named(e.ErrorType),
		"Message": e.Message, "MessageArguments": e.MessageArguments, "MessageID": e.MessageID,
		"OtherErrorSourceFormat": e.OtherErrorSourceFormat, "OtherErrorType": e.OtherErrorType,
		"OwningEntity": e.OwningEntity, "PerceivedSeverity": named(e.PerceivedSeverity),
		"ProbableCause": named(e.ProbableCause), "ProbableCauseDescription": e.ProbableCauseDescription,
		"RecommendedActions": e.RecommendedActions, "Error()": e.Error(),
	}
}

func named[T interface {
	~uint16 | ~uint32
	fmt.Stringer
}](v *T) any {
	if v == nil {
		return nil
	}
	return fmt.Sprintf("%d %s", *v, *v)
}

func instanceView(i *cimerror.Instance) map[string]any {
	v := map[string]any{"className": i.ClassName}
	if i.Lang != "" {
		v["lang"] = i.Lang
	}
	if i.Path != nil {
		v["path"] = i.Path.String()
	}
	for _, q := range i.Qualifiers {
		v["qualifier "+q.Name] = qualifierView(q)
	}
	var properties []any
	for k := range i.Properties {
		properties = append(properties, propertyView(&i.Properties[k]))
	}
	v["properties"] = properties
	return v
}

func propertyView(p *cimerror.Property) map[string]any {
	v := map[string]any{"name": p.Name, "type": p.Type, "value": valueView(p.Value)}
	if s, ok := p.Value.(string); !ok || s != p.Raw {
		v["raw"] = p.Raw
	}
	if p.Array {
		delete(v, "raw")
		v["items"] = p.Items
	}
	for name, set := range map[string]bool{
		"null": p.Null, "reference": p.Reference, "propagated": p.Propagated, "modified": p.Modified,
	} {
		if set {
			v[name] = true
		}
	}
	for name, s := range map[string]string{
		"classOrigin": p.ClassOrigin, "referenceClass": p.ReferenceClass, "embeddedObject": p.EmbeddedObject,
		"embeddedClassName": p.EmbeddedClassName, "arraySize": p.ArraySize, "lang": p.Lang,
	} {
		if s != "" {
			v[name] = s
		}
	}
	for _, q := range p.Qualifiers {
		v["qualifier "+q.Name] = qualifierView(q)
	}
	if p.Err != nil {
		v["err"] = p.Err.Error()
	}
	return v
}

func qualifierView(q cimerror.Qualifier) string {
	return fmt.Sprintf("%s lang=%q propagated=%t overridable=%t toSubclass=%t toInstance=%t translatable=%t null=%t value=%v",
		q.Type, q.Lang, q.Propagated, q.Overridable, q.ToSubclass, q.ToInstance, q.Translatable, q.Null, q.Value)
}

// valueView names the Go type of v beside it, but for strings and nil.
func valueView(v any) any {
	switch v := v.(type) {
	case nil, string:
		return v
	case *cimerror.Instance:
		return instanceView(v)
	case []any:
		items := make([]any, len(v))
		for k := range v {
			items[k] = valueView(v[k])
		}
		return items
	case time.Time:
		return "time.Time " + v.Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%T %v", v, v)
}

// TestDecodeMalformed holds the reason for each text that is no CIM-XML.
func TestDecodeMalformed(t *testing.T) {
	const good = `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="Message" TYPE="string"><VALUE>x</VALUE></PROPERTY></INSTANCE>`
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	attributes := func(n int) string {
		var b strings.Builder
		for k := range n {
			fmt.Fprintf(&b, ` a%d=""`, k)
		}
		return "<INSTANCE" + b.String() + "/>"
	}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "no element"},
		{"blank", " \r\n", "no element"},
		{"BOM only", "\ufeff", "no element"},
		{"comment only", "<!-- nothing -->", "no element"},
		{"one byte", "<", "unexpected EOF"},
		{"prose", "access is denied", "text outside the root element"},
		{"prose behind", good + "x", "text outside the root element"},
		{"two documents", good + good, "second root element INSTANCE"},
		{"truncated", good[:60], "unexpected EOF"},
		{"not closed", strings.TrimSuffix(good, "</INSTANCE>"), "start and end tags do not match"},
		{"wrong end tag", "<INSTANCE></PROPERTY>", "start and end tags do not match"},
		{"DOCTYPE", "<!DOCTYPE INSTANCE>" + good, "document type declaration"},
		{"DOCTYPE within", "<INSTANCE><!DOCTYPE a></INSTANCE>", "document type declaration"},
		{"entity declared", `<!DOCTYPE a [<!ENTITY b "c">]><INSTANCE CLASSNAME="&b;"/>`, "document type declaration"},
		{"entity unknown", strings.Replace(good, ">x<", ">&nbsp;<", 1), "invalid character entity &nbsp;"},
		{"lone ampersand", strings.Replace(good, ">x<", ">a & b<", 1), "invalid character entity &"},
		{"illegal character", strings.Replace(good, ">x<", ">&#8;<", 1), "illegal character code U+0008"},
		{"illegal byte", strings.Replace(good, ">x<", ">\x01<", 1), "illegal character code U+0001"},
		{"not UTF-8", strings.Replace(good, ">x<", ">\xff<", 1), "invalid UTF-8"},
		{"UTF-16", "<\x00I\x00N\x00/\x00>\x00", "expected element name after <"},
		{"duplicate attribute", `<INSTANCE CLASSNAME="a" CLASSNAME="b"/>`, "second attribute CLASSNAME on INSTANCE"},
		{"duplicate attribute deep within", `<INSTANCE><a><b c="" c=""/></a></INSTANCE>`, "second attribute c on b"},
		{"another root", "<Envelope/>", "Envelope: 0 instances where one is due"},
		{"wrapper without instance", "<VALUE.OBJECT><CLASS/></VALUE.OBJECT>", "VALUE.OBJECT: 0 instances where one is due"},
		{"wrapper with two", "<VALUE.OBJECT>" + good + good + "</VALUE.OBJECT>", "VALUE.OBJECT: 2 instances where one is due"},
		{"another class", `<INSTANCE CLASSNAME="Msvm_MigrationJob"/>`, `INSTANCE: class "Msvm_MigrationJob" is not CIM_Error`},
		{"text between properties", `<INSTANCE CLASSNAME="Msvm_Error">x</INSTANCE>`, "INSTANCE: text between the properties"},
		{"unknown element", `<INSTANCE CLASSNAME="Msvm_Error"><METHOD/></INSTANCE>`, "INSTANCE: unexpected element METHOD"},
		{
			"bad path", `<VALUE.NAMEDINSTANCE><INSTANCENAME/>` + good + `</VALUE.NAMEDINSTANCE>`,
			"VALUE.NAMEDINSTANCE/INSTANCENAME: INSTANCENAME names no class",
		},
		{"too long", good + strings.Repeat(" ", 2<<20), "more than 2097152 bytes"},
		{"too much markup", "<INSTANCE>" + strings.Repeat("<a/>", 65535) + "</INSTANCE>", "more than 65536 pieces of markup"},
		{"hidden by a comment", "<INSTANCE><!--> <![CDATA[ -->" + strings.Repeat("<a/>", 65535) + "<!-- ]]> --></INSTANCE>", "more than 65536 pieces of markup"},
		{"hidden by an instruction", "<INSTANCE><?a <!-- ?>" + strings.Repeat("<a/>", 65535) + "<?b --> ?></INSTANCE>", "more than 65536 pieces of markup"},
		{"tag too long", `<INSTANCE CLASSNAME="` + strings.Repeat(">", 256<<10) + `"/>`, "more than 262144 bytes in one tag"},
		{"too deep", deep(65), "more than 64 levels of elements"},
		{"too many attributes", attributes(65), "more than 64 attributes on an element"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := cimerror.Decode([]byte(tt.text))
			if e != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode(%.80q) = %v, %v, want an error with %q", tt.text, e, err, tt.want)
			}
		})
	}
}

// TestDecodeLimits takes each limit to its last allowed value.
func TestDecodeLimits(t *testing.T) {
	open, end := `<INSTANCE CLASSNAME="Msvm_Error">`, `</INSTANCE>`
	for name, text := range map[string]string{
		"bytes":      open + strings.Repeat(" ", 2<<20-len(open)-len(end)) + end,
		"markup":     open + strings.Repeat("<PROPERTY NAME=\"p\"/>", 65534) + end,
		"long tag":   `<INSTANCE CLASSNAME="Msvm_Error" x="` + strings.Repeat("'", 256<<10-40) + `"/>`,
		"long value": open + `<PROPERTY NAME="Message" TYPE="string"><VALUE>` + strings.Repeat("x", 1<<20) + `</VALUE></PROPERTY>` + end,
		"long CDATA": open + `<PROPERTY NAME="Message" TYPE="string"><VALUE><![CDATA[` + strings.Repeat("<", 1<<20) + `]]></VALUE></PROPERTY>` + end,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := cimerror.Decode([]byte(text)); err != nil {
				t.Errorf("Decode = %v", err)
			}
		})
	}
}

// TestLimitError checks that a limit can be told from other faults, and what is kept of a text that is too long.
func TestLimitError(t *testing.T) {
	text := strings.Repeat("<a/>", 1<<20)
	_, err := cimerror.Decode([]byte(text))
	limit, ok := errors.AsType[*cimerror.LimitError](err)
	if !ok || limit.Limit != 2<<20 || limit.What != "bytes" {
		t.Fatalf("Decode = %v, want a *LimitError for 2 MiB", err)
	}
	one, _ := errors.AsType[*cimerror.DecodeError](err)
	for _, d := range []*cimerror.DecodeError{one, cimerror.DecodeAll([]string{text})[0].Err} {
		if d.Raw != text[:4096] || d.Instance != nil || d.Path != "" {
			t.Errorf("Raw has %d bytes, want the first 4096", len(d.Raw))
		}
	}
}

// TestMemory decodes 16 MiB of empty elements, for which etree alone takes some 666 MiB.
func TestMemory(t *testing.T) {
	text := []byte(strings.Repeat("<a/>", 4<<20))
	texts := []string{string(text)}
	small := []byte("<INSTANCE>" + strings.Repeat("<a/>", 1<<18) + "</INSTANCE>") // under the limit of bytes
	for name, decode := range map[string]func() error{
		"Decode":         func() error { _, err := cimerror.Decode(text); return err },
		"DecodeAll":      func() error { return cimerror.DecodeAll(texts)[0].Err },
		"DecodeInstance": func() error { _, err := cimerror.DecodeInstance(text); return err },
		"markup":         func() error { _, err := cimerror.Decode(small); return err },
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := decode()
		runtime.ReadMemStats(&after)
		if _, ok := errors.AsType[*cimerror.LimitError](err); !ok {
			t.Errorf("%s = %v, want a *LimitError", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%s took %d bytes of memory, want at most 4 MiB", name, got)
		}
	}
}

// TestDecodeAll checks that one bad element leaves its neighbours alone.
func TestDecodeAll(t *testing.T) {
	names := []string{"vmms_wrapper", "lone_ampersand", "vmms_connect", "bad_value", "vmms_credentials", "other_class"}
	var texts []string
	for _, name := range names {
		texts = append(texts, string(sample(t, name)))
	}
	results := cimerror.DecodeAll(texts)
	if len(results) != len(texts) {
		t.Fatalf("DecodeAll gave %d results for %d texts", len(results), len(texts))
	}
	for k, r := range results {
		e, err := cimerror.Decode([]byte(texts[k]))
		if (r.Error == nil) == (r.Err == nil) || (r.Err == nil) != (err == nil) {
			t.Errorf("%s: DecodeAll = %v and %v, Decode = %v and %v", names[k], r.Error, r.Err, e, err)
		}
		if r.Err != nil && (r.Err.Raw != texts[k] || r.Err.Error() != err.Error()) {
			t.Errorf("%s: DecodeAll = %v, Decode = %v", names[k], r.Err, err)
		}
	}
	if got := cimerror.DecodeAll(nil); len(got) != 0 {
		t.Errorf("DecodeAll(nil) = %v", got)
	}
}

// TestBadValueKeepsTheOthers reads the good properties of an instance that has a bad one.
func TestBadValueKeepsTheOthers(t *testing.T) {
	_, err := cimerror.Decode(sample(t, "two_bad_values"))
	d, ok := errors.AsType[*cimerror.DecodeError](err)
	if !ok || d.Property != "CIMStatusCode" || d.Instance == nil {
		t.Fatalf("Decode = %v, want the first bad property and the instance", err)
	}
	e := d.Instance.MsvmError()
	if e.CIMStatusCode != nil || e.PerceivedSeverity != nil || e.ErrorType == nil || *e.ErrorType != cimerror.ErrorTypeSoftwareError {
		t.Errorf("MsvmError = %v, want the bad properties NULL and the good ones set", errorView(e))
	}
	for _, name := range []string{"CIMStatusCode", "PerceivedSeverity"} {
		if p, _ := d.Instance.Lookup(name); p.Err == nil || p.Value != nil {
			t.Errorf("%s has Err %v and Value %v", name, p.Err, p.Value)
		}
	}
}

// TestEmbeddedDepth nests instances, as text and as elements, beyond the eight that are decoded.
func TestEmbeddedDepth(t *testing.T) {
	const (
		open = `<INSTANCE CLASSNAME="Sample"><PROPERTY NAME="In" TYPE="string" EmbeddedObject="object"><VALUE>`
		end  = `</VALUE></PROPERTY></INSTANCE>`
	)
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;")
	for name, wrap := range map[string]func(string) string{
		"text":    func(s string) string { return open + escape.Replace(s) + end },
		"element": func(s string) string { return open + s + end },
	} {
		t.Run(name, func(t *testing.T) {
			text := `<INSTANCE CLASSNAME="Last"/>`
			for range 12 {
				text = wrap(text)
			}
			i, err := cimerror.DecodeInstance([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			depth := 0
			for {
				next, ok := i.Properties[0].Value.(*cimerror.Instance)
				if !ok {
					break
				}
				i = next
				depth++
			}
			if s, ok := i.Properties[0].Value.(string); depth != 8 || !ok || !strings.Contains(s, "Last") {
				t.Errorf("%d instances within the first, the last one's value %v; want 8 and text", depth, i.Properties[0].Value)
			}
		})
	}
}

// TestEmbeddedBudget checks that documents within documents count against one limit.
func TestEmbeddedBudget(t *testing.T) {
	inner := "&lt;INSTANCE>" + strings.Repeat("&lt;a/>", 30000) + "&lt;/INSTANCE>"
	property := `<PROPERTY NAME="p" TYPE="string" EmbeddedObject="object"><VALUE>` + inner + `</VALUE></PROPERTY>`
	_, err := cimerror.DecodeInstance([]byte("<INSTANCE>" + strings.Repeat(property, 3) + "</INSTANCE>"))
	if _, ok := errors.AsType[*cimerror.LimitError](err); err == nil || ok {
		t.Fatalf("DecodeInstance = %v, want the first property's unexpected element", err)
	}
	d, _ := errors.AsType[*cimerror.DecodeError](err)
	if _, ok := errors.AsType[*cimerror.LimitError](d.Instance.Properties[2].Err); !ok {
		t.Errorf("the third property has Err %v, want a *LimitError", d.Instance.Properties[2].Err)
	}
}

// TestNumbersAtTheEdge is beside the goldens because JSON has no NaN.
func TestNumbersAtTheEdge(t *testing.T) {
	i, err := cimerror.DecodeInstance([]byte(`<INSTANCE CLASSNAME="a"><PROPERTY NAME="n" TYPE="real64"><VALUE>NaN</VALUE></PROPERTY></INSTANCE>`))
	if err != nil {
		t.Fatal(err)
	}
	if f, ok := i.Properties[0].Value.(float64); !ok || !math.IsNaN(f) {
		t.Errorf("Value = %v, want NaN", i.Properties[0].Value)
	}
}
