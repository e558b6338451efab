package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

// registerNoExplain defines --no-explain.
func registerNoExplain(cmd *cobra.Command, value *bool) {
	cmd.Flags().BoolVar(value, "no-explain", false, "leave out what hvmigerr says about the errors, and print only what the host says")
	fromEnvironment(cmd.Flags().Lookup("no-explain"))
}

// printMeaning prints below the errors of the host what they mean, as a block that cannot be taken for the host's words. The cause
// that is the likeliest is printed with what to do about it, others by their names.
func (a *app) printMeaning(e *explain.Explanation, hosts map[explain.Where]string) {
	findings := telling(e)
	if e.Headline == nil && len(findings) == 0 && len(e.Notes) == 0 {
		return
	}
	a.out.printf("\n  What this means (by hvmigerr, not from the host):\n")
	p := explainer{out: a.out, indent: indent, hosts: hosts}
	if e.Headline != nil {
		p.headline(e.Headline, len(findings) == 0)
	}
	// The first of which more is known than what it is.
	first := slices.IndexFunc(findings, func(f explain.Finding) bool { return len(f.Row.Causes)+len(f.Row.Checks) > 0 })
	rest := ""
	for i := range findings {
		if cut := p.finding(&findings[i], i != first); cut && rest == "" {
			rest = more(&findings[i])
		}
	}
	if rest != "" {
		p.line("", rest)
	}
	for _, note := range e.Notes {
		p.line("Note: ", note)
	}
}

// telling returns the findings without the return value that says no more than that a job failed, as all of them have it.
func telling(e *explain.Explanation) []explain.Finding {
	const failed = 32768 // facts/schema.md, Methods
	return slices.DeleteFunc(slices.Clone(e.Findings), func(f explain.Finding) bool {
		return f.Basis == explain.BasisReturn && f.Code.Value == failed
	})
}

// meanings holds what was said already, and of which machine it was.
type meanings map[string]string

// printJobMeaning prints what the errors of a job mean. What several jobs have in common it says once.
func (a *app) printJobMeaning(said meanings, asked string, d *diagnosed) {
	e := explain.Diagnosis(&d.Diagnosis)
	findings := telling(e)
	var key strings.Builder
	for i := range findings {
		r := findings[i].Row
		fmt.Fprintf(&key, "%s %d %s\n", r.Kind, r.Value, r.ID)
	}
	if vm, ok := said[key.String()]; ok {
		a.out.printf("\n  What this means: as above, for %q.\n", cell(vm))
		return
	}
	if len(findings) > 0 {
		said[key.String()] = d.VM
	}
	hosts := machines(asked, d.Job)
	if d.Destination != nil {
		hosts[explain.WhereSource], hosts[explain.WhereDestination] = asked, d.Destination.Host
	}
	a.printMeaning(e, hosts)
}

// reason returns in short what the job of a machine failed of.
func reason(vm string, f *explain.Finding) string {
	text := named(f, "")
	if f.Row.Meaning != "" {
		text += ": " + f.Row.Meaning
	}
	return fold("  "+cell(vm)+": ", "    ", text)
}

// namesHost tells the name or the address of a host from words that a host would put into ours. Letters are those of any language.
func namesHost(name string) bool {
	const longest = 253 // RFC 1035 2.3.4, without the final dot
	return len(name) <= longest && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_:", r) || unsafeRune(r)
	})
}

// machines names the hosts of a migration as far as they are known. The one that was asked is the source, unless it is the
// destination, which cannot be told when it was asked by its address.
func machines(asked string, j *invoke.MigrationJob) map[explain.Where]string {
	to := line(j.DestinationHost)
	if !namesHost(to) {
		to = ""
	}
	hosts := map[explain.Where]string{explain.WhereHost: asked, explain.WhereDestination: to}
	short := func(name string) string {
		name, _, _ = strings.Cut(name, ".")
		return strings.ToLower(name)
	}
	if _, err := netip.ParseAddr(asked); err != nil && short(to) != short(asked) {
		hosts[explain.WhereSource] = asked
	}
	return hosts
}
