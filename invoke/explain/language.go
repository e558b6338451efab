package explain

import (
	"strings"
	"unicode"
)

// english reports whether text may be English: it has a word that only English messages have; or several that they have often and
// none that is frequent in another language of Windows; or it is too short to tell. A name in another alphabet, within an English
// message, does not make it another language.
func english(text string) bool {
	const enough, several = 5, 2 // words
	words, frequent, foreign := 0, 0, false
	for word := range strings.FieldsSeq(text) {
		if strings.ContainsFunc(word, unspaced) { // such a word may be a whole sentence
			words, foreign = words+1, true
			continue
		}
		word = strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if word == "" || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' && r != '\'' }) {
			continue // a number, name or code
		}
		switch languageOf(strings.ToLower(word)) {
		case english1:
			return true
		case english2:
			frequent++
		case otherLanguage:
			foreign = true
		}
		words++
		foreign = foreign || strings.ContainsFunc(word, func(r rune) bool { return r > unicode.MaxASCII })
	}
	return !foreign && (words < enough || frequent >= several)
}

// unspaced reports whether r is of a script that is written without blanks, or of Korean.
func unspaced(r rune) bool {
	const first = 0x0E01 // of Thai, below which there is none
	return r >= first && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai)
}

// What a word tells of the language of its text.
const (
	anyLanguage   = iota
	english1      // English alone has it
	english2      // English has it often, and others have it, too
	otherLanguage // another language of Windows has it often
)

// languageOf returns what word, in lower case, tells.
func languageOf(word string) int {
	switch word {
	case "the", "failed", "cannot", "could", "because", "this", "with", "without", "from", "has", "have", "and", "not", "unable", "denied",
		"access", "invalid", "found", "refused", "which", "there", "its", "already", "while", "during", "does", "did",
		"completed", "succeeded", "successfully", "waiting", "timed", "changes", "applying", "started", "stopped":
		return english1
	case "was", "to", "is", "for", "by", "of", "on", "in", "an", "a", "be", "at", "it", "or", "no", "host", "error", "server", "network":
		return english2
	case "de", "het", "een", "niet", "van", "met", "op", "te", "en", "er", "ikke", "kan", "kunne", "og", "ble", "blev", "til", "av", "af",
		"det", "som", "inte", "och", "kunde", "nie", "na", "jest", "z", "w", "do", "hosta", "nelze", "der", "die", "das", "nicht", "und",
		"von", "zu", "konnte", "le", "la", "les", "du", "des", "est", "pas", "el", "los", "del", "se", "por", "il", "di", "che", "non", "per",
		"o", "os", "da", "em", "bir", "ve", "nem", "az", "ei", "ja":
		return otherLanguage
	}
	return anyLanguage
}
