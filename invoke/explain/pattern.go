package explain

import (
	"slices"
	"sort"
	"strings"
)

// A pattern recognises a message by its English words.
type pattern struct {
	row    *Row
	pieces []string // what stands between the asterisks
	grams  []gram   // of the pieces
	with   []uint32 // if any, it counts only beside one of these codes
	unless []uint32 // it does not count beside one of these, whose rows tell the same
}

// newPattern prepares text, a pattern of row.
func newPattern(row *Row, text string, with, unless []uint32) pattern {
	pieces := slices.DeleteFunc(strings.Split(text, "*"), func(s string) bool { return s == "" })
	p := pattern{row: row, pieces: pieces, with: with, unless: unless}
	for _, piece := range pieces {
		for i := range len(piece) - 2 {
			p.grams = append(p.grams, gramAt(piece, i))
		}
	}
	return p
}

// A gram is a hash of three neighbouring bytes. A text that has not all grams of a pattern does not match it: so most patterns are
// ruled out without being looked for.
type gram uint16

// grams is how many there are.
const grams = 1 << 12

// gramAt returns the gram of s that begins at i.
func gramAt(s string, i int) gram {
	return (gram(s[i])*961 + gram(s[i+1])*31 + gram(s[i+2])) % grams
}

// possible reports whether t has all grams of p.
func (p *pattern) possible(t *folded) bool {
	for _, g := range p.grams {
		if t.grams[g/64]&(1<<(g%64)) == 0 {
			return false
		}
	}
	return len(p.pieces) > 0
}

// maxGap is how many bytes an asterisk stands for at most. Names and paths in messages are shorter.
const maxGap = 512

// find returns where p first matches t, in offsets of the folded text. An asterisk stands for a run of characters of one line, as
// short as possible; a blank stands for a line break, too, since consoles break lines.
func (p *pattern) find(t *folded) (start, end int, ok bool) {
	if !p.possible(t) {
		return 0, 0, false
	}
	first := p.pieces[0]
	for from := 0; ; from = start + 1 {
		i := strings.Index(t.text[from:], first)
		if i < 0 {
			return 0, 0, false
		}
		start = from + i
		if end, ok = t.follow(start+len(first), p.pieces[1:]); ok {
			return start, end, true
		}
	}
}

// follow returns the end of the last of pieces, if they stand one after the other behind offset at.
func (t *folded) follow(at int, pieces []string) (end int, ok bool) {
	for _, piece := range pieces {
		reach := min(t.lineEnd(at), at+maxGap) + len(piece)
		i := strings.Index(t.text[at:min(reach, len(t.text))], piece)
		if i < 0 {
			return 0, false
		}
		at += i + len(piece)
	}
	return at, true
}

// A folded is a text made ready for patterns: ASCII letters in lower case, blanks and line breaks collapsed to one blank each,
// typographic quotation marks made plain. A blank line is one line feed, which no pattern crosses.
type folded struct {
	text   string
	breaks []int   // where in text a blank or line feed stands for line breaks
	shifts []shift // sorted; how text's offsets differ from those of the original
	grams  [grams / 64]uint64
}

// A shift says that from offset at on, an offset of the folded text and delta make one of the original.
type shift struct {
	at, delta int
}

// The ways in which words are apart, the weakest first.
const (
	joined = iota
	apart
	nextLine
	nextParagraph
)

// fold folds text.
func fold(text string) *folded {
	t := &folded{}
	out := make([]byte, 0, len(text))
	gap, end := joined, 0
	for i := 0; i < len(text); {
		c, size, blank := foldByte(text[i:])
		if blank {
			gap = wider(gap, c)
			i += size
			continue
		}
		if gap != joined {
			t.mark(len(out), end)
			out = t.bridge(out, gap)
			gap = joined
		}
		t.mark(len(out), i)
		out = append(out, c)
		i += size
		end = i
	}
	t.mark(len(out), end)
	t.text = string(out)
	for i := range len(t.text) - 2 {
		g := gramAt(t.text, i)
		t.grams[g/64] |= 1 << (g % 64)
	}
	return t
}

// mark notes that offset at of the folded text is offset original of the other.
func (t *folded) mark(at, original int) {
	delta := 0
	if n := len(t.shifts); n > 0 {
		delta = t.shifts[n-1].delta
	}
	if original-at != delta {
		t.shifts = append(t.shifts, shift{at, original - at})
	}
}

// foldByte returns what the first character of s becomes, and how many bytes it has there. Of a blank it returns a line feed or
// another blank; of a character that stays, the first byte.
func foldByte(s string) (c byte, size int, blank bool) {
	c = s[0]
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A' + 'a', 1, false
	case c == ' ', c == '\t', c == '\r', c == '\n':
		return c, 1, true
	case c < 0x80:
	case strings.HasPrefix(s, "\u00A0"):
		return ' ', 2, true
	case strings.HasPrefix(s, "\u2018"), strings.HasPrefix(s, "\u2019"):
		return '\'', 3, false
	case strings.HasPrefix(s, "\u201C"), strings.HasPrefix(s, "\u201D"):
		return '"', 3, false
	}
	return c, 1, false
}

// wider returns the gap after one more blank.
func wider(gap int, blank byte) int {
	switch {
	case blank != '\n':
		return max(gap, apart)
	case gap >= nextLine:
		return nextParagraph
	}
	return nextLine
}

// bridge appends what stands for gap.
func (t *folded) bridge(out []byte, gap int) []byte {
	if gap == apart {
		return append(out, ' ')
	}
	t.breaks = append(t.breaks, len(out))
	if gap == nextLine {
		return append(out, ' ')
	}
	return append(out, '\n')
}

// lineEnd returns the end of the line in which offset at stands.
func (t *folded) lineEnd(at int) int {
	i := sort.SearchInts(t.breaks, at)
	if i == len(t.breaks) {
		return len(t.text)
	}
	return t.breaks[i]
}

// original returns the offset of the original text for the offset at of the folded one.
func (t *folded) original(at int) int {
	i := sort.Search(len(t.shifts), func(i int) bool { return t.shifts[i].at > at })
	if i == 0 {
		return at
	}
	return at + t.shifts[i-1].delta
}
