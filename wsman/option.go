package wsman

// An Option is one entry of wsman:OptionSet (DSP0226 §6.4).
type Option struct {
	Name string
	// Type is the QName of the value's XML type, such as xs:boolean; empty leaves it out.
	Type string
	// MustComply asks the service to refuse the request when it does not know the option.
	MustComply bool
	Value      string
}

// An OptionSet holds switches for the service. The zero value is not sent.
type OptionSet []Option
