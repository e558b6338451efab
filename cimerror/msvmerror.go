package cimerror

import (
	"errors"
	"fmt"
	"strings"
)

// MsvmError is an instance of CIM_Error or a subclass, such as Hyper-V's Msvm_Error: why an operation failed. Its fields are
// the 15 properties of CIM_Error by their own names (facts/schema.md); nil is NULL, or a value that could not be converted.
// A nil slice is NULL, an empty one an empty array, a nil item VALUE.NULL.
type MsvmError struct {
	CIMStatusCode            *CIMStatusCode
	CIMStatusCodeDescription *string
	ErrorSource              *string // on Hyper-V a WMI object path or NULL
	ErrorSourceFormat        *ErrorSourceFormat
	ErrorType                *ErrorType
	Message                  *string // the text for people, in the host's language
	// MessageArguments are what the host put into Message, in an order of its own: for 21024 the virtual machine's name,
	// its ID, the host (facts/real-examples.md §1).
	MessageArguments         []*string
	MessageID                *string // for Hyper-V's own errors the number of an event, such as 21024
	OtherErrorSourceFormat   *string // when ErrorSourceFormat is Other
	OtherErrorType           *string // when ErrorType is Other
	OwningEntity             *string // who defined MessageID, such as Microsoft-Windows-Hyper-V-VMMS
	PerceivedSeverity        *PerceivedSeverity
	ProbableCause            *ProbableCause
	ProbableCauseDescription *string
	RecommendedActions       []*string

	// Instance is everything that arrived, properties of subclasses included.
	Instance *Instance
}

// Error returns Message, or the best of the other properties when there is none; it is never empty.
// Applications may return an MsvmError as their error; this module never does: for it, the reason of a failure is a result.
func (e *MsvmError) Error() string {
	for _, s := range []*string{e.Message, e.CIMStatusCodeDescription, e.ProbableCauseDescription, e.OtherErrorType} {
		if s != nil && strings.Trim(*s, blank) != "" {
			return *s
		}
	}
	var parts []string
	if e.OwningEntity != nil && *e.OwningEntity != "" {
		parts = append(parts, *e.OwningEntity)
	}
	if e.MessageID != nil && *e.MessageID != "" {
		parts = append(parts, "message "+*e.MessageID)
	}
	if e.CIMStatusCode != nil && *e.CIMStatusCode != 0 {
		parts = append(parts, e.CIMStatusCode.String())
	}
	if e.ErrorType != nil && *e.ErrorType != ErrorTypeUnknown {
		parts = append(parts, e.ErrorType.String())
	}
	if len(parts) == 0 {
		return "CIM error without a message"
	}
	return strings.Join(parts, ", ")
}

// MsvmError returns the typed view of the instance. A property with an Err, or of a wrong type, is NULL in it.
func (i *Instance) MsvmError() *MsvmError {
	return i.typed(func(*Property, error) {})
}

// typed returns the typed view and reports each property that does not fit its field.
func (i *Instance) typed(report func(*Property, error)) *MsvmError {
	e := &MsvmError{Instance: i}
	var seen [knownProperties]bool
	for k := range i.Properties {
		p := &i.Properties[k]
		name := knownOf(p.Name)
		if name == notKnown {
			continue
		}
		if seen[name] {
			report(p, errors.New("second property of this name"))
			continue
		}
		seen[name] = true
		if p.Null || p.Err != nil {
			continue
		}
		if err := e.set(name, p); err != nil {
			report(p, err)
		}
	}
	return e
}

// set gives the field that is called name the value of p.
func (e *MsvmError) set(name known, p *Property) (err error) {
	switch name {
	case knownCIMStatusCode:
		e.CIMStatusCode, err = number[CIMStatusCode](p, 32)
	case knownCIMStatusCodeDescription:
		e.CIMStatusCodeDescription, err = p.text()
	case knownErrorSource:
		e.ErrorSource, err = p.text()
	case knownErrorSourceFormat:
		e.ErrorSourceFormat, err = number[ErrorSourceFormat](p, 16)
	case knownErrorType:
		e.ErrorType, err = number[ErrorType](p, 16)
	case knownMessage:
		e.Message, err = p.text()
	case knownMessageArguments:
		e.MessageArguments, err = p.texts()
	case knownMessageID:
		e.MessageID, err = p.text()
	case knownOtherErrorSourceFormat:
		e.OtherErrorSourceFormat, err = p.text()
	case knownOtherErrorType:
		e.OtherErrorType, err = p.text()
	case knownOwningEntity:
		e.OwningEntity, err = p.text()
	case knownPerceivedSeverity:
		e.PerceivedSeverity, err = number[PerceivedSeverity](p, 16)
	case knownProbableCause:
		e.ProbableCause, err = number[ProbableCause](p, 16)
	case knownProbableCauseDescription:
		e.ProbableCauseDescription, err = p.text()
	case knownRecommendedActions:
		e.RecommendedActions, err = p.texts()
	case notKnown, knownProperties:
	}
	return err
}

// text returns the one text of p whatever its declared type, nil for the one item of an array that is NULL.
func (p *Property) text() (*string, error) {
	switch {
	case !p.Array:
		if r, ok := p.Value.(Reference); ok {
			return new(r.String()), nil
		}
		return new(p.Raw), nil
	case len(p.Items) == 0:
		return nil, nil //nolint:nilnil // nil is NULL
	case len(p.Items) == 1:
		return p.Items[0], nil
	}
	return nil, fmt.Errorf("%d values where one is due", len(p.Items))
}

// texts returns the texts of p; a scalar is an array of one.
func (p *Property) texts() ([]*string, error) {
	if p.Array {
		return p.Items, nil
	}
	s, err := p.text()
	return []*string{s}, err
}

// number returns the one number of p whatever its declared type.
func number[T ~uint16 | ~uint32](p *Property, bits int) (*T, error) {
	s, err := p.text()
	if s == nil || err != nil {
		return nil, err
	}
	n, err := parseUnsigned(*s, bits)
	if err != nil {
		return nil, err
	}
	return new(T(n)), nil
}

// known is one of the properties of CIM_Error.
type known int

const (
	knownCIMStatusCode known = iota
	knownCIMStatusCodeDescription
	knownErrorSource
	knownErrorSourceFormat
	knownErrorType
	knownMessage
	knownMessageArguments
	knownMessageID
	knownOtherErrorSourceFormat
	knownOtherErrorType
	knownOwningEntity
	knownPerceivedSeverity
	knownProbableCause
	knownProbableCauseDescription
	knownRecommendedActions
	knownProperties       // how many there are
	notKnown        known = -1
)

// knownOf returns which property of CIM_Error is called name.
func knownOf(name string) known {
	for k, s := range [knownProperties]string{
		"CIMStatusCode", "CIMStatusCodeDescription", "ErrorSource", "ErrorSourceFormat", "ErrorType", "Message",
		"MessageArguments", "MessageID", "OtherErrorSourceFormat", "OtherErrorType", "OwningEntity", "PerceivedSeverity",
		"ProbableCause", "ProbableCauseDescription", "RecommendedActions",
	} {
		if sameName(s, name) {
			return known(k)
		}
	}
	return notKnown
}

// cimType returns the type that CIM_Error declares (facts/schema.md); "" for notKnown.
func (k known) cimType() string {
	switch k {
	case notKnown:
		return ""
	case knownCIMStatusCode:
		return "uint32"
	case knownErrorSourceFormat, knownErrorType, knownPerceivedSeverity, knownProbableCause:
		return "uint16"
	default:
		return "string"
	}
}
