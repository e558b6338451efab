package wsmantest

import (
	"errors"
	"fmt"
	"net/http"
)

// A Dialect makes the simulated host speak as services that are not Windows do. The zero value is Windows.
type Dialect struct {
	// Prefixes replaces prefixes, by those of Windows: s, a, x, e, n, w, p (instances and method output), f, cim, b, xsi, wsmid, cfg,
	// rsp.
	Prefixes map[string]string `json:"prefixes,omitempty"`
	// DMTFClasses puts instances into the DMTF namespace of their class, whatever URI the request used.
	DMTFClasses bool `json:"dmtfClasses,omitempty"`
	// ReverseProperties sends properties and out parameters in reverse order.
	ReverseProperties bool `json:"reverseProperties,omitempty"`
	// BareDatetime sends xs:dateTime and xs:duration without the cim:Datetime and cim:Interval elements.
	BareDatetime bool `json:"bareDatetime,omitempty"`
	// OutputName is the name of a method's output element with * for the method. If empty, *_OUTPUT.
	OutputName string `json:"outputName,omitempty"`
	// OutputNamespace is the namespace of the output element. If empty, that of the class.
	OutputNamespace string `json:"outputNamespace,omitempty"`
	// ItemsNamespace is the prefix, w or n, of Items and EndOfSequence. If empty, w in EnumerateResponse and n in PullResponse.
	ItemsNamespace string `json:"itemsNamespace,omitempty"`
	// ClassFragments answers a query that names properties with elements of the class, not with w:XmlFragment.
	ClassFragments bool `json:"classFragments,omitempty"`
	// ContextAtEnd sends an EnumerationContext beside EndOfSequence; it is not valid.
	ContextAtEnd bool `json:"contextAtEnd,omitempty"`
	// OneItemPages sends one item per page, whatever MaxElements says.
	OneItemPages bool `json:"oneItemPages,omitempty"`
	// IgnoreOptimize answers every Enumerate with the context alone.
	IgnoreOptimize bool `json:"ignoreOptimize,omitempty"`
	// OmitRelatesTo leaves out wsa:RelatesTo.
	OmitRelatesTo bool `json:"omitRelatesTo,omitempty"`
	// FaultStatus is the HTTP status of faults. If zero, 500, and 400 for a request that is not XML.
	FaultStatus int `json:"faultStatus,omitempty"`
	// FaultLayout is the layout of all faults. If zero, that of Windows for each.
	FaultLayout FaultLayout `json:"faultLayout,omitempty"`
	// ConnectionClose closes the connection after every answer but those within a handshake.
	ConnectionClose bool `json:"connectionClose,omitempty"`
	// OmitDate leaves out the Date header.
	OmitDate bool `json:"omitDate,omitempty"`
	// ContentType replaces application/soap+xml;charset=UTF-8.
	ContentType string `json:"contentType,omitempty"`
	// OmitChallenges answers a request without an Authorization header with a 401 that names no scheme.
	OmitChallenges bool `json:"omitChallenges,omitempty"`
	// Framing is the layout of sealed answers.
	Framing Framing `json:"framing,omitzero"`
}

func (d *Dialect) validate() error {
	var errs []error
	taken := map[string]string{}
	for _, windows := range []string{"s", "a", "x", "e", "n", "w", "p", "f", "cim", "b", "xsi", "wsmid", "cfg", prefixShell} {
		prefix := d.prefix(windows)
		if !isElementName(prefix) {
			errs = append(errs, fmt.Errorf("dialect: prefix %q is not an XML name", prefix))
		}
		if other, twice := taken[prefix]; twice {
			errs = append(errs, fmt.Errorf("dialect: prefix %q stands for %s and %s", prefix, other, windows))
		}
		taken[prefix] = windows
	}
	switch d.ItemsNamespace {
	case "", "w", "n":
	default:
		errs = append(errs, fmt.Errorf("dialect: itemsNamespace %q is neither w nor n", d.ItemsNamespace))
	}
	if d.FaultStatus != 0 && http.StatusText(d.FaultStatus) == "" {
		errs = append(errs, fmt.Errorf("dialect: faultStatus %d is no HTTP status", d.FaultStatus))
	}
	if d.FaultLayout < 0 || d.FaultLayout > LayoutBare {
		errs = append(errs, fmt.Errorf("dialect: faultLayout %d is not from 1 to 5", d.FaultLayout))
	}
	return errors.Join(append(errs, d.Framing.validate())...)
}

// prefix returns the prefix that stands for one of Windows'.
func (d *Dialect) prefix(windows string) string {
	if p, ok := d.Prefixes[windows]; ok {
		return p
	}
	return windows
}
