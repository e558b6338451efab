package explain

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// letterAround reports whether a letter of an alphabet that writes words apart, such as ä or Ж, touches text[start:end], which is
// then part of a word. Chinese and Japanese put no blank between a word and a number.
func letterAround(text string, start, end int) bool {
	const firstCJK = 0x2E80
	before, _ := utf8.DecodeLastRuneInString(text[max(start-utf8.UTFMax, 0):start])
	after, _ := utf8.DecodeRuneInString(text[end:min(end+utf8.UTFMax, len(text))])
	return before < firstCJK && unicode.IsLetter(before) || after < firstCJK && unicode.IsLetter(after)
}

// inNumber reports whether what is next to text[start:end] makes it part of something longer: a path, GUID, SID, version, host
// name, address, e-mail address, number with separators, percentage.
func inNumber(text string, start, end int) bool {
	if start > 0 {
		beyond := start > 1 && isWord(text[start-2])
		switch c := text[start-1]; c {
		case '/', '\\', '.', '+', '@', '$', '%', '&', '~':
			return true
		case '-', '`':
			if beyond {
				return true
			}
		case ':':
			if beyond && isDigit(text[start-2]) || drive(text[:start-1]) || strings.HasSuffix(text[:start-1], ":") {
				return true
			}
		}
	}
	if end < len(text) {
		beyond := end+1 < len(text) && isWord(text[end+1])
		switch c := text[end]; c {
		case '/', '\\', '@', '%', '+', '$', '~':
			return true
		case '-', '.', '`':
			return beyond
		case ':', ',':
			return beyond && isDigit(text[end+1]) && end-start < 8 // 59:12 and 59,000; codes in a list are longer
		}
	}
	return false
}

// drive reports whether text ends with one letter, as before the colon of a path.
func drive(text string) bool {
	n := len(text)
	return n > 0 && isLetter(text[n-1]) && (n == 1 || !isWord(text[n-2]))
}

// errorWord reports whether text[:end] ends with a word that makes the number behind it a code: "error", "error code:", and the same
// in other languages of Windows. It returns where the word begins.
func errorWord(text string, end int) (start int, ok bool) {
	offset := max(end-48, 0)
	rest := strings.TrimRight(strings.TrimRight(text[offset:end], " \t"), ":=#")
	rest = strings.TrimRight(rest, " \t")
	for _, second := range []string{"", "code", "number", "nr.", "コード"} {
		head, found := cutSuffixFold(rest, second)
		if !found {
			continue
		}
		head = strings.TrimRight(head, " \t")
		for _, word := range errorWords() {
			if before, found := cutSuffixFold(head, word); found && !endsInWord(before, word) {
				return offset + len(before), true
			}
		}
	}
	return 0, false
}

// errorWords returns the words for error in languages of Windows, as they stand before a number.
func errorWords() []string {
	return []string{
		"error", "fehler", "systemfehler", "fehlercode", "erreur", "errore", "erro", "ошибка", "エラー", "错误", "錯誤", "오류",
	}
}

// endsInWord reports whether before, what stands before word, makes it the end of a longer word, as in terror.
func endsInWord(before, word string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(word)
	const firstCJK = 0x2E80
	return first < firstCJK && r < firstCJK && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}

// cutSuffixFold is [strings.CutSuffix] in any case of ASCII letters.
func cutSuffixFold(s, suffix string) (before string, found bool) {
	n := len(s) - len(suffix)
	if n < 0 || !strings.EqualFold(s[n:], suffix) {
		return s, false
	}
	return s[:n], true
}

// notCode reports whether the words around a bare number say that it is something else, such as a size or a serial number.
func notCode(text string, start, end int) bool {
	word, rest := lastWord(text[max(start-48, 0):start])
	switch word {
	case "number", "no", "nr", "is", "of":
		word, _ = lastWord(rest)
	}
	return slices.Contains([]string{
		"serial", "s/n", "sn", "size", "length", "offset", "pid", "tid", "process", "thread", "record", "build", "version", "tel",
		"phone", "date", "hash", "checksum", "crc", "address", "at",
	}, word) || counted(text[end:])
}

// lastWord returns the last word of text in lower case, and what is before it.
func lastWord(text string) (word, rest string) {
	text = strings.TrimRight(text, " \t.:=#")
	i := strings.LastIndexAny(text, " \t\r\n(,;\"'")
	return strings.ToLower(text[i+1:]), text[:i+1]
}

// counted reports whether what follows a number says that it counts or measures: bytes, of 3, times.
func counted(after string) bool {
	after = strings.TrimLeft(after[:min(len(after), 24)], " \t")
	i := 0
	for i < len(after) && isLetter(after[i]) {
		i++
	}
	switch {
	case i == 0:
		return strings.HasPrefix(after, "バイト")
	case i < len(after) && (after[i] == '\'' || after[i] >= utf8.RuneSelf):
		return false // of a word in another language: s’est
	}
	return slices.Contains([]string{
		"b", "byte", "bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "octets", "octet", "sectors", "blocks", "clusters",
		"ns", "us", "ms", "s", "sec", "second", "seconds", "ticks", "times", "of",
	}, strings.ToLower(after[:i]))
}
