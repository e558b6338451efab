package explain

import (
	"slices"
	"strings"
	"unicode"
)

// english reports whether text may be English: it has one of the commonest words of English messages, or is too short to tell. A
// name in another alphabet, within an English message, does not make it another language.
func english(text string) bool {
	const enough = 5 // words
	words, foreign := 0, false
	for word := range strings.FieldsSeq(text) {
		word = strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' && r != '\'' }) {
			continue // a number, name or code
		}
		if common(word) {
			return true
		}
		words++
		foreign = foreign || strings.ContainsFunc(word, func(r rune) bool { return r > unicode.MaxASCII })
	}
	return !foreign && words < enough
}

// common reports whether word is frequent in English messages, and not a word of German, French, Spanish or Italian.
func common(word string) bool {
	return slices.ContainsFunc([]string{
		"the", "failed", "cannot", "could", "because", "this", "with", "without", "for", "from", "has", "been", "by", "and", "of", "is",
	}, func(s string) bool { return strings.EqualFold(s, word) })
}
