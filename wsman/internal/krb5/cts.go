package krb5

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

// aesCTS is AES in CBC mode with ciphertext stealing and a zero initial vector, as RFC 3962 §5 describes it and RFC 8009 §5
// takes it over: the last two blocks change places, and the one that comes last is cut to what the input had of it.
type aesCTS struct {
	block    cipher.Block
	enc, dec vectorMode
	zero     [aes.BlockSize]byte
	tail     [2 * aes.BlockSize]byte
}

// A vectorMode can begin anew. The CBC modes of crypto/aes can, which crypto/tls relies on, too.
type vectorMode interface {
	cipher.BlockMode
	SetIV(iv []byte)
}

func newAESCTS(key []byte) (*aesCTS, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	c := &aesCTS{block: block}
	var ok, also bool
	c.enc, ok = cipher.NewCBCEncrypter(block, c.zero[:]).(vectorMode)
	c.dec, also = cipher.NewCBCDecrypter(block, c.zero[:]).(vectorMode)
	if !ok || !also {
		return nil, errors.New("AES of this Go cannot set the initial vector")
	}
	return c, nil
}

// encrypt encrypts b in place. It is at least one block long: it begins with a confounder.
func (c *aesCTS) encrypt(b []byte) {
	c.enc.SetIV(c.zero[:])
	if len(b) == aes.BlockSize {
		c.enc.CryptBlocks(b, b)
		return
	}
	head := headLength(len(b))
	c.enc.CryptBlocks(b[:head], b[:head])
	clear(c.tail[copy(c.tail[:], b[head:]):])
	c.enc.CryptBlocks(c.tail[:], c.tail[:])
	copy(b[head:], c.tail[aes.BlockSize:])
	copy(b[head+aes.BlockSize:], c.tail[:aes.BlockSize])
}

// decrypt decrypts b in place. It is at least one block long.
func (c *aesCTS) decrypt(b []byte) {
	c.dec.SetIV(c.zero[:])
	if len(b) == aes.BlockSize {
		c.dec.CryptBlocks(b, b)
		return
	}
	head := headLength(len(b))
	c.dec.CryptBlocks(b[:head], b[:head])
	last, stolen := c.tail[aes.BlockSize:], c.tail[:aes.BlockSize]
	copy(last, b[head:])
	// The cut block lacks octets that encryption chained into the zero padding, so that the last block decrypts to them.
	c.block.Decrypt(stolen, last)
	copy(stolen, b[head+aes.BlockSize:])
	c.dec.CryptBlocks(c.tail[:], c.tail[:])
	copy(b[head:], c.tail[:])
}

// headLength is how many of n octets, more than a block, come before the last two blocks, of which the second may be cut.
func headLength(n int) int {
	return (n-1)/aes.BlockSize*aes.BlockSize - aes.BlockSize
}
