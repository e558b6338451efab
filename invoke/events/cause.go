package events

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// maxExplained is how many events of an incident are explained.
const maxExplained = 256

// explain finds out what those events mean.
func (in *Incident) explain(order []int) {
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
	w := in.weigh(e)
	slices.SortStableFunc(e.Findings, func(a, b explain.Finding) int { return cmp.Compare(w.rank(a.Part), w.rank(b.Part)) })
	in.explanation = e
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
	if in.Headline >= 0 && in.Headline < len(in.records) {
		order = append(order, in.Headline)
	}
	well := in.Outcome == OutcomeCompleted || in.Outcome == OutcomeSlow
	for i, r := range in.records {
		matters := r.kind == kindFailed || in.tellsWhy(r)
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

// tellsWhy reports whether a record may tell why. What is amiss with the whole host does not where a cause is told: it stands in the log
// whether migrations fail or not.
func (in *Incident) tellsWhy(r *record) bool {
	if r.kind == kindHint && r.hostWide {
		return !slices.ContainsFunc(in.records, func(r *record) bool { return r.kind == kindCause })
	}
	return r.kind.tellsWhy()
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

// secondhand reports whether it is a code by which the source says no more than that the other end did not answer, if that was asked, too.
func (in *Incident) secondhand(f *explain.Finding) bool {
	if in.Role != RoleBoth || f.Row.Kind != explain.KindWin32 || in.atSource(f.Part) == 0 {
		return false
	}
	switch f.Row.Value {
	case 64, 121, 1460, 1722, 1726, 10053, 10054, 10060, 10061:
		// NETNAME_DELETED, SEM_TIMEOUT, TIMEOUT, RPC_S_SERVER_UNAVAILABLE, RPC_S_CALL_FAILED, WSAECONNABORTED, -RESET, WSAETIMEDOUT, -REFUSED
		return true
	}
	return false
}

// A weigher tells how much the events of an incident say of why it failed.
type weigher struct {
	in *Incident
	// first is the place of the first finding of each event that has one; secondhand are the events of such findings.
	first      map[int]int
	secondhand map[int]bool
}

// weigh returns a weigher by what explain found.
func (in *Incident) weigh(e *explain.Explanation) *weigher {
	w := &weigher{in: in, first: map[int]int{}, secondhand: map[int]bool{}}
	for n := range e.Findings {
		f := &e.Findings[n]
		if _, ok := w.first[f.Part]; !ok {
			w.first[f.Part] = n
		}
		if in.secondhand(f) {
			w.secondhand[f.Part] = true
		}
	}
	return w
}

// rank orders the events: what is said of migrations alone comes before what can have another reason, and that which the other end tells
// of the machine itself before a connection that broke.
func (w *weigher) rank(i int) int {
	r := w.in.records[i]
	switch {
	case r.kind == kindCause && !w.secondhand[i]:
		return 0
	case r.kind != kindCause && r.kind != kindHint:
		if _, ok := w.first[i]; ok {
			return 1 // it carries the text of a cause
		}
		return 5
	case r.kind == kindHint && w.in.Role == RoleBoth && r.named() && w.in.atSource(i) == 0:
		return 2
	case r.kind == kindCause:
		return 3
	}
	return 4
}

// place returns the place of the first finding of an event; behind all for one that has none.
func (w *weigher) place(i int) int {
	if n, ok := w.first[i]; ok {
		return n
	}
	return len(w.in.Events) + maxExplained
}

// findCauses fills Causes from the events of order. What their codes mean is only asked where it decides something.
func (in *Incident) findCauses(order []int) {
	in.Causes = nil
	for _, i := range order {
		if in.tellsWhy(in.records[i]) {
			in.Causes = append(in.Causes, i)
		}
	}
	if !in.doubtful() {
		slices.SortStableFunc(in.Causes, func(a, b int) int { return cmp.Compare(in.records[a].kind.rank(), in.records[b].kind.rank()) })
		return
	}
	w := in.weigh(in.Explain())
	if _, ok := w.first[in.Headline]; !ok {
		in.Causes = slices.DeleteFunc(in.Causes, func(i int) bool { return i == in.Headline })
	}
	slices.SortStableFunc(in.Causes, func(a, b int) int {
		return cmp.Or(cmp.Compare(w.rank(a), w.rank(b)), cmp.Compare(w.place(a), w.place(b)), cmp.Compare(in.off(a), in.off(b)))
	})
}

// doubtful reports whether the kinds of Causes do not tell their order.
func (in *Incident) doubtful() bool {
	var seen [3]bool
	for _, i := range in.Causes {
		n := in.records[i].kind.rank()
		if seen[n] || in.records[i].kind == kindCarrier || in.Role == RoleBoth && len(in.Causes) > 1 {
			return true
		}
		seen[n] = true
	}
	return false
}

// off returns how far an event is from the headline in time.
func (in *Incident) off(i int) time.Duration {
	if in.Headline < 0 {
		return 0
	}
	return in.records[i].ourTime().Sub(in.records[in.Headline].ourTime()).Abs()
}

// rank orders what tells why, when no code does.
func (k kind) rank() int {
	return slices.Index([]kind{kindCause, kindCarrier, kindHint}, k)
}
