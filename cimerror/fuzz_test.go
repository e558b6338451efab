package cimerror_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

// addSamples seeds f with every file of testdata/cimxml and with what is left of some.
func addSamples(f *testing.F) {
	f.Helper()
	for _, name := range sampleNames(f) {
		text := sample(f, name)
		f.Add(text)
		f.Add(text[:len(text)*2/3])
	}
	f.Add([]byte(`<INSTANCE><PROPERTY NAME="a" TYPE="datetime"><VALUE>**************.******:***</VALUE></PROPERTY></INSTANCE>`))
	f.Add([]byte(`<VALUE.NAMEDINSTANCE><INSTANCENAME CLASSNAME="a"><VALUE.REFERENCE/></INSTANCENAME><INSTANCE/></VALUE.NAMEDINSTANCE>`))
}

// checkInstance walks all of i: a value and a reason for its absence never stand together.
func checkInstance(t *testing.T, i *cimerror.Instance) {
	t.Helper()
	if i.MsvmError().Error() == "" {
		t.Error("MsvmError has no text")
	}
	for k := range i.Properties {
		p := &i.Properties[k]
		if p.Value != nil && (p.Err != nil || p.Null) || p.Value == nil && p.Err == nil && !p.Null {
			t.Errorf("property %q has value %v, error %v, null %t", p.Name, p.Value, p.Err, p.Null)
		}
		items, ok := p.Value.([]any)
		if ok && len(items) != len(p.Items) {
			t.Errorf("property %q has %d values and %d texts", p.Name, len(items), len(p.Items))
		}
		for _, v := range append(items, p.Value) {
			switch v := v.(type) {
			case *cimerror.Instance:
				checkInstance(t, v)
			case cimerror.Reference:
				if v.String() == "" {
					t.Errorf("property %q is an empty reference", p.Name)
				}
			}
		}
	}
}

// FuzzDecode: no panic, and one of result and error.
func FuzzDecode(f *testing.F) {
	addSamples(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := cimerror.Decode(in)
		if (e == nil) == (err == nil) {
			t.Fatalf("Decode returned %v and %v", e, err)
		}
		if e != nil {
			checkInstance(t, e.Instance)
		}
		i, err := cimerror.DecodeInstance(in)
		if (i == nil) == (err == nil) {
			t.Fatalf("DecodeInstance returned %v and %v", i, err)
		}
		if i != nil {
			checkInstance(t, i)
		}
	})
}

// FuzzDecodeAll: a text decodes in the same way whatever its neighbours are, and its error keeps it.
func FuzzDecodeAll(f *testing.F) {
	addSamples(f)
	good := string(sample(f, "vmms_wrapper"))
	f.Fuzz(func(t *testing.T, in []byte) {
		results := cimerror.DecodeAll([]string{good, string(in), good})
		for k, r := range results {
			if (r.Error == nil) == (r.Err == nil) {
				t.Fatalf("result %d is %v and %v", k, r.Error, r.Err)
			}
		}
		if results[0].Err != nil || results[2].Err != nil {
			t.Errorf("the neighbours of %q are lost: %v, %v", in, results[0].Err, results[2].Err)
		}
		if d := results[1].Err; d != nil {
			if d.Raw != string(in) || d.Error() == "" {
				t.Errorf("error %v keeps %q, want %q", d, d.Raw, in)
			}
			if d.Instance != nil {
				checkInstance(t, d.Instance)
			}
		}
	})
}

// FuzzSplit: nothing is lost, and what decodes whole comes out whole.
func FuzzSplit(f *testing.F) {
	addSamples(f)
	f.Add([]byte("a<!--b--><c/>\ufeff<?xml ?><d><INSTANCE></INSTANCE>"))
	f.Fuzz(func(t *testing.T, in []byte) {
		checkNothingLost(t, in)
		if _, err := cimerror.Decode(in); err != nil {
			return
		}
		twice := slices.Collect(cimerror.Split(bytes.Join([][]byte{in, in}, []byte("\n"))))
		var errors int
		for _, part := range twice {
			if _, err := cimerror.Decode(part); err == nil {
				errors++
			}
		}
		if errors != 2 {
			t.Errorf("%q, written twice, splits into %q", in, twice)
		}
	})
}
