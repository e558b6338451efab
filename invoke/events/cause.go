package events

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// maxExplained is how many events of an incident are explained.
const maxExplained = 256

// explain fills Explanation, and finds the causes by what it tells.
func (in *Incident) explain() {
	order := in.explainable()
	d := &invoke.Diagnosis{}
	for _, i := range order {
		d.Parts = append(d.Parts, in.records[i].part())
	}
	e := &explain.Explanation{}
	if len(order) > 0 {
		e = explain.Diagnosis(d)
	}
	for i := range e.Findings {
		in.place(&e.Findings[i], order)
	}
	if e.Headline != nil {
		in.place(e.Headline, order)
	}
	slices.SortStableFunc(e.Findings, func(a, b explain.Finding) int { return cmp.Compare(in.secondhand(&a), in.secondhand(&b)) })
	in.Explanation = e
	in.findCauses(order)
}

// place makes Part an index in Events. What was found in a field is in none of the event's texts.
func (in *Incident) place(f *explain.Finding, order []int) {
	f.Part = order[f.Part]
	ev := in.Events[f.Part]
	f.Host = ev.Host
	if f.End > len(ev.Message()) {
		f.Start, f.End = 0, 0
	}
}

// explainable returns the indexes of the events whose codes and words matter: the headline, then what tells why, as it happened. Of a
// migration that went well, only that it was slow.
func (in *Incident) explainable() []int {
	var order []int
	if in.Headline >= 0 {
		order = append(order, in.Headline)
	}
	well := in.Outcome == OutcomeCompleted || in.Outcome == OutcomeSlow
	for i, r := range in.records {
		matters := r.kind == kindFailed || r.kind.tellsWhy()
		if well {
			matters = r.kind == kindSlow
		}
		if matters && i != in.Headline {
			order = append(order, i)
		}
	}
	if in.Role == RoleBoth && len(order) > 1 {
		// What the other end tells of itself is what the user does not see at the source.
		slices.SortStableFunc(order[1:], func(a, b int) int { return cmp.Compare(in.atSource(a), in.atSource(b)) })
	}
	return order[:min(len(order), maxExplained)]
}

// atSource returns 1 for an event of the source, when both ends tell.
func (in *Incident) atSource(i int) int {
	if host := in.Events[i].Host; host != "" && host == in.Source {
		return 1
	}
	return 0
}

// part returns the record as something that a host said.
func (r *record) part() invoke.Part {
	text := clip(r.text(), maxText)
	if codes := r.codes(); codes != "" {
		text += "\n" + codes
	}
	provider, id := r.Provider, strconv.FormatUint(uint64(r.key.id), 10)
	if provider == "" {
		provider = r.key.provider
	}
	return invoke.Part{Error: &cimerror.MsvmError{Message: &text, MessageID: &id, OwningEntity: &provider}}
}

// codes returns the values of the fields that are codes, such as 0x80072741 or %%2147952449 (facts/event-log.md §1.3), a line each.
func (r *record) codes() string {
	const longest = 64
	var b strings.Builder
	for _, f := range r.Fields {
		if len(f.Value) <= longest && (strings.HasPrefix(f.Value, "%%") || strings.HasPrefix(f.Value, "0x")) {
			b.WriteString(f.Value)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// secondhand returns 1 for a code by which the source says no more than that the other end did not answer, if that end was asked, too.
func (in *Incident) secondhand(f *explain.Finding) int {
	if in.Role != RoleBoth || f.Row.Kind != explain.KindWin32 || in.atSource(f.Part) == 0 {
		return 0
	}
	switch f.Row.Value {
	case 64, 121, 1460, 1722, 1726, 10053, 10054, 10060, 10061:
		// NETNAME_DELETED, SEM_TIMEOUT, TIMEOUT, RPC_S_SERVER_UNAVAILABLE, RPC_S_CALL_FAILED, WSAECONNABORTED, -RESET, WSAETIMEDOUT, -REFUSED
		return 1
	}
	return 0
}

// findCauses fills Causes: the explained events in the order of their first findings; then those of which nothing is known but that
// they are causes.
func (in *Incident) findCauses(order []int) {
	in.Causes = nil
	rank := map[int]int{}
	for n, f := range in.Explanation.Findings {
		if _, ok := rank[f.Part]; !ok {
			rank[f.Part] = n
		}
	}
	for _, i := range order {
		r := in.records[i]
		if _, ok := rank[i]; r.kind.tellsWhy() && (ok || i != in.Headline) {
			in.Causes = append(in.Causes, i)
		}
	}
	position := func(i int) int {
		if n, ok := rank[i]; ok {
			return n
		}
		return len(in.Explanation.Findings)
	}
	slices.SortStableFunc(in.Causes, func(a, b int) int {
		return cmp.Or(cmp.Compare(position(a), position(b)), cmp.Compare(in.records[a].kind.rank(), in.records[b].kind.rank()))
	})
}

// rank orders what tells why, when no code does.
func (k kind) rank() int {
	return slices.Index([]kind{kindCause, kindHint, kindCarrier}, k)
}
