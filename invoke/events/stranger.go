package events

import (
	"slices"
	"strings"
	"unicode"
)

// nameStranger takes what stands in the text where most events have the name of a machine as the name of one, although no other event
// has it: what is wrong with that machine is why no other one failed. It is only for what the catalogue does not have, which may be about
// anything.
func (r *record) nameStranger(names *names) {
	if r.named() || r.guess == "" || r.kind != kindHint && r.kind != kindCause || catalogued().has(r.key) {
		return
	}
	if !names.isHost(r.guess) && !strings.ContainsAny(r.guess, `\/:`) && !isThing(wordBefore(r.Message(), r.guess)) {
		r.vm = r.guess
	}
}

// isThing reports whether an English word that stands before a name says that it is not that of a machine.
func isThing(word string) bool {
	return slices.Contains([]string{
		"account", "adapter", "address", "cluster", "destination", "disk", "driver", "file", "folder", "group", "host", "name", "network",
		"node", "path", "port", "principal", "process", "resource", "server", "service", "share", "source", "store", "switch", "user",
		"volume",
	}, word)
}

// wordBefore returns the word in lower case that stands in text before a quoted piece of it; "" if there is none.
func wordBefore(text, piece string) string {
	i := strings.Index(text, piece)
	if i < 0 {
		return ""
	}
	text = strings.TrimRightFunc(text[:i], func(c rune) bool { return !unicode.IsLetter(c) })
	const longest = 16
	text = text[max(len(text)-longest, 0):]
	return strings.ToLower(text[strings.LastIndexFunc(text, func(c rune) bool { return !unicode.IsLetter(c) })+1:])
}
