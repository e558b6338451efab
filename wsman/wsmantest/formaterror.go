package wsmantest

import (
	"strings"

	"github.com/beevik/etree"
)

// methodFormatError is the one method of the management service that is simulated: it changes nothing.
const methodFormatError = "FormatError"

// returnInvalidParameter is a ReturnValue of Hyper-V's methods (facts/schema.md).
const returnInvalidParameter = 32773

// formatError puts the messages of errors into one text, a blank line between two (facts/schema.md, FormatError). That NULL
// and what is no CIM-XML are invalid parameters is inferred.
func (s *Server) formatError(c *call, k *class) (*etree.Document, error) {
	var texts []string
	for p := range c.body.ChildElementsSeq() {
		if !strings.EqualFold(p.NamespaceURI(), c.resourceURI) || p.Tag != "Errors" {
			return nil, newFault(faultSchemaValidation, "The method has no parameter "+p.Tag+".")
		}
		if isNil, _ := attr(p, namespaceOf("xsi"), "nil"); !isTrue(isNil) {
			texts = append(texts, textOf(p))
		}
	}
	if _, err := s.find(c, k); err != nil {
		return nil, err
	}
	out := property{propertyType: propertyType{"ErrorMessage", typeString}}
	var messages []string
	for _, text := range texts {
		if m, ok := messageOf(text); ok {
			messages = append(messages, m)
		}
	}
	if len(texts) == 0 || len(messages) < len(texts) {
		out.null = true
		return c.output(k, &out, returnInvalidParameter), nil
	}
	out.texts = []string{strings.Join(messages, "\n\n")}
	return c.output(k, &out, 0), nil
}

// messageOf returns the Message of an error in CIM-XML; ok is false when the text is no instance.
func messageOf(text string) (message string, ok bool) {
	root, err := readDocument([]byte(text))
	if err != nil || root.Tag != "INSTANCE" {
		return "", false
	}
	for p := range root.ChildElementsSeq() {
		if name, _ := attr(p, "", "NAME"); p.Tag == "PROPERTY" && strings.EqualFold(name, "Message") {
			message = textOf(child(p, "", "VALUE"))
		}
	}
	return message, true
}
