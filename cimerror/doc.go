// Package cimerror turns the CIM-XML text of a CIM error into Go values.
//
// A Hyper-V job answers GetError and GetErrorEx with strings, and each string is a second XML document:
// one INSTANCE of Msvm_Error in the language of DMTF DSP0201 (facts/cim-xml.md). [Decode] and [DecodeAll] read such
// texts, [DecodeInstance] reads an INSTANCE of any class, and [Split] takes apart a text that holds several.
//
// The package knows nothing of SOAP, of hosts or of what a message means. It does not read CLASS declarations or
// CIM operations, and it writes no CIM-XML.
//
// # What is kept
//
// Nothing that arrives is dropped. Properties that [MsvmError] has no field for are in [MsvmError.Instance], the text
// itself is in [Instance.Raw]. NULL, zero, the empty string and the empty array stay four different things.
//
// # Errors
//
// Every error is a [*DecodeError], and it comes instead of a result, never with one. When the text is well-formed XML
// that holds an instance, [DecodeError.Instance] has what could be decoded; a property that could not be converted
// has its reason in [Property.Err]. When it is not, only [DecodeError.Raw] is left. Limits on the input (2 MiB,
// 65,536 pieces of markup, 256 KiB in a tag, 64 levels) end in a [*LimitError].
package cimerror
