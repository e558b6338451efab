package watch

import (
	"context"
	"strings"

	"github.com/hvmigerr/hvmigerr/invoke"
)

// maxNames bounds the names that are kept of one host. When there are more, all are asked for anew.
const maxNames = 10_000

// unnamed reports whether d does not tell the name of the virtual machine.
func unnamed(d *invoke.Diagnosis) bool {
	return d == nil || d.VM == "" || d.Job != nil && strings.EqualFold(d.VM, d.Job.VMName())
}

// learn asks for the name of a virtual machine, unless that was done. A host that does not answer leaves the GUID: the only error is that it
// refuses the user.
func (h *watched) learn(ctx context.Context, c invoke.Enumerator, guid string) error {
	if h.named(guid) {
		return nil
	}
	name, err := invoke.ResolveVM(ctx, c, guid)
	switch {
	case h.final(err):
		return err
	case err == nil:
		h.remember(guid, name)
	}
	return nil
}

// named reports whether nothing is left to ask about the name of a virtual machine.
func (h *watched) named(guid string) bool {
	_, known := h.names[strings.ToUpper(guid)]
	return known || guid == ""
}

func (h *watched) remember(guid, name string) {
	if guid == "" {
		return
	}
	if h.names == nil || len(h.names) >= maxNames {
		h.names = map[string]string{}
	}
	h.names[strings.ToUpper(guid)] = name
}

// name returns what is known to be the name of a virtual machine, or its GUID.
func (h *watched) name(guid string) string {
	if name := h.names[strings.ToUpper(guid)]; name != "" {
		return name
	}
	return guid
}
