package cimerror_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// property decodes the one property in text, whether it is well or not.
func property(t *testing.T, text string) *cimerror.Property {
	t.Helper()
	r := cimerror.DecodeAll([]string{`<INSTANCE CLASSNAME="Msvm_Error">` + text + `</INSTANCE>`})[0]
	i := (*cimerror.Instance)(nil)
	switch {
	case r.Error != nil:
		i = r.Error.Instance
	case r.Err.Instance != nil:
		i = r.Err.Instance
	default:
		t.Fatalf("%s: %v", text, r.Err)
	}
	if len(i.Properties) != 1 {
		t.Fatalf("%s: %d properties", text, len(i.Properties))
	}
	return &i.Properties[0]
}

// TestValue converts the text of every CIM type, at the ends of its range and beyond.
func TestValue(t *testing.T) {
	day := 24 * time.Hour
	for _, tt := range []struct {
		typ, text string
		want      any
		err       string
	}{
		{"string", "", "", ""},
		{"string", " a\tb ", " a\tb ", ""},
		{"", "untyped", "untyped", ""},
		{"reference", "unknown type", "unknown type", ""},
		{"STRING", "x", "x", ""},

		{"boolean", "TRUE", true, ""},
		{"boolean", "false", false, ""},
		{"boolean", " True\n", true, ""},
		{"boolean", "1", nil, `"1" is neither true nor false`},
		{"boolean", "", nil, "neither"},

		{"uint8", "255", uint8(255), ""},
		{"uint8", "256", nil, `"256" is out of range of uint8`},
		{"uint16", "65535", uint16(65535), ""},
		{"uint16", "65536", nil, "out of range of uint16"},
		{"uint16", " 4\r\n", uint16(4), ""},
		{"UINT16", "4", uint16(4), ""},
		{"uint16", "007", uint16(7), ""},
		{"uint16", "+7", uint16(7), ""},
		{"uint16", "-0", uint16(0), ""},
		{"uint16", "-1", nil, "out of range of uint16"},
		{"uint16", "0xff", uint16(255), ""},
		{"uint16", "0X10000", nil, "out of range of uint16"},
		{"uint16", "", nil, `"" is not an integer`},
		{"uint16", "0x", nil, "not an integer"},
		{"uint16", "1_0", nil, "not an integer"},
		{"uint16", "+-1", nil, "not an integer"},
		{"uint16", "1.0", nil, "not an integer"},
		{"uint32", "4294967295", uint32(math.MaxUint32), ""},
		{"uint32", "4294967296", nil, "out of range of uint32"},
		{"uint64", "18446744073709551615", uint64(math.MaxUint64), ""},
		{"uint64", "18446744073709551616", nil, "out of range of 64 bits"},

		{"sint8", "-128", int8(-128), ""},
		{"sint8", "127", int8(127), ""},
		{"sint8", "128", nil, "out of range of sint8"},
		{"sint8", "-129", nil, "out of range of sint8"},
		{"sint16", "-32768", int16(-32768), ""},
		{"sint16", "32768", nil, "out of range of sint16"},
		{"sint32", "-0x80000000", int32(math.MinInt32), ""},
		{"sint32", "0x80000000", nil, "out of range of sint32"},
		{"sint32", "0x-1", nil, "not an integer"},
		{"sint64", "-9223372036854775808", int64(math.MinInt64), ""},
		{"sint64", "9223372036854775807", int64(math.MaxInt64), ""},
		{"sint64", "9223372036854775808", nil, "out of range of sint64"},

		{"real32", "1.1000000e+00", float32(1.1), ""},
		{"real32", "1e39", nil, "out of range of real32"},
		{"real64", "-2.5E-3", -2.5e-3, ""},
		{"real64", "INF", math.Inf(1), ""},
		{"real64", "-INF", math.Inf(-1), ""},
		{"real64", "1e999", nil, "out of range of real64"},
		{"real64", "0x1p4", nil, "not a number"},
		{"real64", "infinity", nil, "not a number"},
		{"real64", "1e", nil, "not a number"},

		{"char16", "Ω", uint16(0x3a9), ""},
		{"char16", "7", uint16('7'), ""},
		{"char16", "65", uint16('A'), ""},
		{"char16", " ", uint16(' '), ""},
		{"char16", "", nil, "not one 16-bit character"},
		{"char16", "😀", nil, "not one 16-bit character"},
		{"char16", "ab", nil, "not one 16-bit character"},

		{"datetime", "20261005042350.702341+000", time.Date(2026, 10, 5, 4, 23, 50, 702341000, time.UTC), ""},
		{"datetime", " 20261005042350.000000+120 ", time.Date(2026, 10, 5, 2, 23, 50, 0, time.UTC), ""},
		{"datetime", "20261005042350.000000-480", time.Date(2026, 10, 5, 12, 23, 50, 0, time.UTC), ""},
		{"datetime", "20240229000000.000000+000", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC), ""},
		{"datetime", "16010101000000.000000+000", time.Time{}, ""},
		{"datetime", "16010101010000.000000+060", time.Time{}, ""},
		{"datetime", "1601-01-01T00:00:00Z", time.Time{}, ""},
		{"datetime", "202610**********.******+***", nil, "unknown form"},
		{"datetime", "202610********.******+***", time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), ""},
		{"datetime", "2026**********.******+***", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{"datetime", "20261005042350.12****+000", time.Date(2026, 10, 5, 4, 23, 50, 120000000, time.UTC), ""},
		{"datetime", "**************.******+***", nil, ""},
		{"datetime", "**************.**********", nil, ""},
		{"datetime", "****1005042350.000000+000", nil, "unknown year"},
		{"datetime", "20261305042350.000000+000", nil, "no such day"},
		{"datetime", "20260229042350.000000+000", nil, "no such day"},
		{"datetime", "20261005242350.000000+000", nil, "no such time"},
		{"datetime", "20261005046050.000000+000", nil, "no such time"},
		{"datetime", "2026100504235x.000000+000", nil, "not a digit"},
		{"datetime", "20261005042350.1**4**+000", nil, "not a digit"},
		{"datetime", "+2261005042350.000000+000", nil, "not a digit"},
		{"datetime", "20261005042350.000000Z000", nil, "neither timestamp nor interval"},
		{"datetime", "00000000000500.000000:000", 5 * time.Minute, ""},
		{"datetime", "00000001020304.000005:000", day + 2*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Microsecond, ""},
		{"datetime", "00000001******.******:000", day, ""},
		{"datetime", "********235959.999999:000", 24*time.Hour - time.Microsecond, ""},
		{"datetime", "********" + "******.******:000", nil, ""},
		{"datetime", "00106750235959.999999:000", 106751*day - time.Microsecond, ""},
		{"datetime", "00106751000000.000000:000", nil, "more than 106750 days"},
		{"datetime", "99999999235959.999999:000", nil, "more than 106750 days"},
		{"datetime", "00000001240000.000000:000", nil, "no such time"},
		{"datetime", "00000001000000.000000:001", nil, "ends in :000"},
		{"datetime", "0000000100000x.000000:000", nil, "not a digit"},
		{"datetime", "2026-10-05T04:23:50Z", time.Date(2026, 10, 5, 4, 23, 50, 0, time.UTC), ""},
		{"datetime", "2026-10-05T04:23:50.5+02:00", time.Date(2026, 10, 5, 2, 23, 50, 500000000, time.UTC), ""},
		{"datetime", "2026-10-05T04:23:50", time.Date(2026, 10, 5, 4, 23, 50, 0, time.UTC), ""},
		{"datetime", "yesterday", nil, `"yesterday" is not a datetime: unknown form`},
		{"datetime", "", nil, "not a datetime"},
	} {
		t.Run(tt.typ+" "+tt.text, func(t *testing.T) {
			p := property(t, fmt.Sprintf(`<PROPERTY NAME="p" TYPE="%s"><VALUE>%s</VALUE></PROPERTY>`, tt.typ, tt.text))
			if diff := cmp.Diff(tt.want, p.Value); diff != "" {
				t.Errorf("Value (-want +got):\n%s", diff)
			}
			if p.Raw != strings.ReplaceAll(tt.text, "\r\n", "\n") || p.Array {
				t.Errorf("Raw = %q, Array = %t", p.Raw, p.Array)
			}
			if null := tt.want == nil && tt.err == ""; p.Null != null {
				t.Errorf("Null = %t, want %t", p.Null, null)
			}
			if tt.err == "" && p.Err != nil || tt.err != "" && (p.Err == nil || !strings.Contains(p.Err.Error(), tt.err)) {
				t.Errorf("Err = %v, want %q", p.Err, tt.err)
			}
		})
	}
}

// TestContent holds how each arrangement of elements is read: value, NULL, array, fault.
func TestContent(t *testing.T) {
	const jobs = `<INSTANCE CLASSNAME="J"/>`
	for _, tt := range []struct{ name, text, want string }{
		{"NULL", `<PROPERTY NAME="p" TYPE="uint16"></PROPERTY>`, "null"},
		{"NULL, self-closing", `<PROPERTY NAME="p" TYPE="uint16"/>`, "null"},
		{"NULL with blanks and a comment", "<PROPERTY NAME=\"p\" TYPE=\"uint16\">\n\t<!-- none -->\n</PROPERTY>", "null"},
		{"NULL, explicit", `<PROPERTY NAME="p" TYPE="uint16"><VALUE.NULL/></PROPERTY>`, "null"},
		{"empty string", `<PROPERTY NAME="p" TYPE="string"><VALUE></VALUE></PROPERTY>`, `""`},
		{"NULL array", `<PROPERTY.ARRAY NAME="p" TYPE="uint16"></PROPERTY.ARRAY>`, "array null"},
		{"empty array", `<PROPERTY.ARRAY NAME="p" TYPE="uint16"><VALUE.ARRAY/></PROPERTY.ARRAY>`, "array []"},
		{"array", `<PROPERTY.ARRAY NAME="p" TYPE="uint16"><VALUE.ARRAY><VALUE>1</VALUE><VALUE.NULL/></VALUE.ARRAY></PROPERTY.ARRAY>`, "array [0x1 <nil>]"},
		{"array in PROPERTY", `<PROPERTY NAME="p" TYPE="uint16"><VALUE.ARRAY><VALUE>1</VALUE></VALUE.ARRAY></PROPERTY>`, "array [0x1]"},
		{"array without VALUE.ARRAY", `<PROPERTY.ARRAY NAME="p" TYPE="uint16"><VALUE>1</VALUE><VALUE>2</VALUE></PROPERTY.ARRAY>`, "array [0x1 0x2]"},
		{"bad item", `<PROPERTY.ARRAY NAME="p" TYPE="uint16"><VALUE.ARRAY><VALUE>1</VALUE><VALUE>x</VALUE></VALUE.ARRAY></PROPERTY.ARRAY>`, `array item 1: "x" is not an integer`},
		{"text in an array", `<PROPERTY.ARRAY NAME="p" TYPE="uint16"><VALUE.ARRAY>1</VALUE.ARRAY></PROPERTY.ARRAY>`, "array text between the values of an array"},
		{"text without VALUE", `<PROPERTY NAME="p" TYPE="string">lost?</PROPERTY>`, "text outside VALUE"},
		{"two values", `<PROPERTY NAME="p" TYPE="string"><VALUE>a</VALUE><VALUE>b</VALUE></PROPERTY>`, "2 values where one is due"},
		{"unknown element", `<PROPERTY NAME="p" TYPE="string"><FOO/></PROPERTY>`, "CIM-XML: FOO: 0 instances where one is due"},
		{"no name", `<PROPERTY TYPE="string"><VALUE>a</VALUE></PROPERTY>`, "property without a NAME"},
		{"CDATA and text", `<PROPERTY NAME="p" TYPE="string"><VALUE>a<![CDATA[<b>]]><!-- no --> &amp; c</VALUE></PROPERTY>`, `"a<b> & c"`},
		{"instance in VALUE", `<PROPERTY NAME="p" TYPE="string"><VALUE> ` + jobs + ` </VALUE></PROPERTY>`, "instance J"},
		{"instance in PROPERTY", `<PROPERTY NAME="p" TYPE="string">` + jobs + `</PROPERTY>`, "instance J"},
		{"text beside an instance", `<PROPERTY NAME="p" TYPE="string"><VALUE>a` + jobs + `</VALUE></PROPERTY>`, "text beside element INSTANCE"},
		{"embedded class", `<PROPERTY NAME="p" TYPE="string" EmbeddedObject="object"><VALUE>&lt;CLASS/></VALUE></PROPERTY>`, `"<CLASS/>"`},
		{"embedded MOF", `<PROPERTY NAME="p" TYPE="string" EMBEDDEDOBJECT="object"><VALUE>instance of J {};</VALUE></PROPERTY>`, `"instance of J {};"`},
		{"embedded, DTD 2.3 spelling", `<PROPERTY NAME="p" TYPE="string" EMBEDDEDOBJECT="instance"><VALUE>&lt;INSTANCE CLASSNAME="J"/></VALUE></PROPERTY>`, "instance J"},
		{"embedded and malformed", `<PROPERTY NAME="p" TYPE="string" EmbeddedObject="object"><VALUE>&lt;INSTANCE></VALUE></PROPERTY>`, "CIM-XML: start and end tags do not match"},
		{"embedded array", `<PROPERTY.ARRAY NAME="p" TYPE="string" EmbeddedObject="instance"><VALUE.ARRAY><VALUE>&lt;INSTANCE CLASSNAME="J"/></VALUE></VALUE.ARRAY></PROPERTY.ARRAY>`, "array [instance J]"},
		{"reference", `<PROPERTY.REFERENCE NAME="p"><VALUE.REFERENCE><CLASSNAME NAME="J"/></VALUE.REFERENCE></PROPERTY.REFERENCE>`, "reference J"},
		{"array of references", `<PROPERTY.REFARRAY NAME="p"><VALUE.REFARRAY><VALUE.REFERENCE><CLASSNAME NAME="J"/></VALUE.REFERENCE></VALUE.REFARRAY></PROPERTY.REFARRAY>`, "array [reference J]"},
		{"empty reference", `<PROPERTY.REFERENCE NAME="p"><VALUE.REFERENCE/></PROPERTY.REFERENCE>`, "VALUE.REFERENCE names no class"},
		{"text as reference", `<PROPERTY.REFERENCE NAME="p"><VALUE>root:J</VALUE></PROPERTY.REFERENCE>`, `"root:J"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := property(t, tt.text)
			got := show(p.Value)
			switch {
			case p.Err != nil && p.Value != nil:
				t.Errorf("Err %v beside Value %v", p.Err, p.Value)
			case p.Err != nil:
				got = p.Err.Error()
			case p.Null:
				got = "null"
			}
			if p.Array {
				got = "array " + got
			}
			if got != tt.want {
				t.Errorf("%s is %s, want %s", tt.text, got, tt.want)
			}
		})
	}
}

// TestItems holds that the texts of an array are kept when its values are not, or are unknown.
func TestItems(t *testing.T) {
	array := `<PROPERTY.ARRAY NAME="p" TYPE="datetime"><VALUE.ARRAY><VALUE>%s</VALUE><VALUE.NULL/></VALUE.ARRAY></PROPERTY.ARRAY>`
	for _, text := range []string{"**************.******+***", "tomorrow", "20261005042350.000000+000"} {
		p := property(t, fmt.Sprintf(array, text))
		if diff := cmp.Diff([]*string{&text, nil}, p.Items); diff != "" {
			t.Errorf("Items of %q (-want +got):\n%s", text, diff)
		}
	}
}

// TestAttributes reads every attribute in an order that no producer has, and none with a prefix.
func TestAttributes(t *testing.T) {
	p := property(t, `<PROPERTY.ARRAY xmlns:x="urn:example:none" x:NAME="n" xml:lang="ja-JP" MODIFIED="TRUE" EMBEDDEDCLASSNAME="C" `+
		`PROPAGATED="TRUE" ARRAYSIZE="2" TYPE="string" EmbeddedObject="object" CLASSORIGIN="O" REFERENCECLASS="R" NAME="p" x:TYPE="uint8"/>`)
	want := cimerror.Property{
		Name: "p", Type: "string", Array: true, Null: true, Propagated: true, Modified: true, ClassOrigin: "O",
		ReferenceClass: "R", EmbeddedObject: "object", EmbeddedClassName: "C", ArraySize: "2", Lang: "ja-JP",
	}
	if diff := cmp.Diff(&want, p); diff != "" {
		t.Errorf("property (-want +got):\n%s", diff)
	}
}

// show prints a value with instances and references named.
func show(v any) string {
	switch v := v.(type) {
	case *cimerror.Instance:
		return "instance " + v.ClassName
	case cimerror.Reference:
		return "reference " + v.String()
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, show(item))
		}
		return "[" + strings.Join(items, " ") + "]"
	}
	return fmt.Sprintf("%#v", v)
}
