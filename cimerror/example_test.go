package cimerror_test

import (
	"errors"
	"fmt"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

func ExampleDecode() {
	text := `<INSTANCE CLASSNAME="Msvm_Error">` +
		`<PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>4</VALUE></PROPERTY>` +
		`<PROPERTY NAME="Message" TYPE="string"><VALUE>No credentials for host 'HV-SOUTH' (0x8009030E).</VALUE></PROPERTY>` +
		`<PROPERTY NAME="MessageID" TYPE="string"></PROPERTY>` +
		`</INSTANCE>`
	e, err := cimerror.Decode([]byte(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*e.Message)
	fmt.Println(*e.ErrorType, e.MessageID == nil)
	// Output:
	// No credentials for host 'HV-SOUTH' (0x8009030E).
	// Software Error true
}

func ExampleDecodeAll() {
	texts := []string{
		`<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="Message" TYPE="string"><VALUE>The move of R&D failed.</VALUE></PROPERTY></INSTANCE>`,
		`<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="Message" TYPE="string"><VALUE>The listener is off.</VALUE></PROPERTY></INSTANCE>`,
	}
	for _, r := range cimerror.DecodeAll(texts) {
		if r.Err != nil {
			fmt.Printf("%v\n  in %.33s...\n", r.Err, r.Err.Raw)
			continue
		}
		fmt.Println(r.Error)
	}
	// Output:
	// CIM-XML: XML syntax error on line 1: invalid character entity &D (no semicolon)
	//   in <INSTANCE CLASSNAME="Msvm_Error">...
	// The listener is off.
}

func ExampleDecodeInstance() {
	text := `<INSTANCE CLASSNAME="Msvm_MigrationJob">` +
		`<PROPERTY NAME="PercentComplete" TYPE="uint16"><VALUE>37</VALUE></PROPERTY>` +
		`<PROPERTY NAME="TimeBeforeRemoval" TYPE="datetime"><VALUE>00000000000500.000000:000</VALUE></PROPERTY>` +
		`</INSTANCE>`
	i, err := cimerror.DecodeInstance([]byte(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(i.ClassName, i.IsError())
	for _, p := range i.Properties {
		fmt.Printf("%s: %T %v\n", p.Name, p.Value, p.Value)
	}
	// Output:
	// Msvm_MigrationJob false
	// PercentComplete: uint16 37
	// TimeBeforeRemoval: time.Duration 5m0s
}

// A number that does not fit its type costs the instance nothing but that property.
func ExampleDecodeError() {
	_, err := cimerror.Decode([]byte(`<INSTANCE CLASSNAME="Msvm_Error">` +
		`<PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>70000</VALUE></PROPERTY>` +
		`<PROPERTY NAME="Message" TYPE="string"><VALUE>The listener is off.</VALUE></PROPERTY>` +
		`</INSTANCE>`))
	fmt.Println(err)
	if d, ok := errors.AsType[*cimerror.DecodeError](err); ok && d.Instance != nil {
		fmt.Println(d.Instance.MsvmError())
	}
	// Output:
	// CIM-XML: INSTANCE/PROPERTY[ErrorType]: "70000" is out of range of uint16
	// The listener is off.
}

func ExampleSplit() {
	text := "<?xml version=\"1.0\"?>\n<INSTANCE CLASSNAME=\"A\"/>\n<INSTANCE CLASSNAME=\"B\"><PROP\n<INSTANCE CLASSNAME=\"C\"></INSTANCE>"
	for part := range cimerror.Split([]byte(text)) {
		fmt.Printf("%q\n", part)
	}
	// Output:
	// "<?xml version=\"1.0\"?>\n<INSTANCE CLASSNAME=\"A\"/>"
	// "<INSTANCE CLASSNAME=\"B\"><PROP"
	// "<INSTANCE CLASSNAME=\"C\"></INSTANCE>"
}
