// Conditional and counting writes: CheckAndSet, Incr.

package clients

import (
	"math"
	"testing"

	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/stretchr/testify/require"
)

func TestIncr(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKey := []byte("counter")
	for _, step := range []struct{ add, want int64 }{{5, 5}, {0, 5}, {-8, -3}, {math.MaxInt64, math.MaxInt64 - 3}} {
		value, err := tb.Incr(soon(t), hashKey, sortKey, step.add)
		require.NoError(t, err)
		require.Equal(t, step.want, value)
	}
	ctx, cancel := contextFor(refusalLimit)
	defer cancel()
	_, err := tb.Incr(ctx, hashKey, sortKey, 4)
	require.ErrorContains(t, err, "deadline exceeded", "an overflow")
	text, err := tb.Get(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.Equal(t, "9223372036854775804", string(text), "a counter is its decimal text")

	require.NoError(t, tb.Set(soon(t), hashKey, sortKey, []byte("no number")))
	ctx, cancel = contextFor(refusalLimit)
	defer cancel()
	_, err = tb.Incr(ctx, hashKey, sortKey, 1)
	require.ErrorContains(t, err, "deadline exceeded")
	require.NoError(t, tb.Set(soon(t), hashKey, sortKey, []byte{}))
	value, err := tb.Incr(soon(t), hashKey, sortKey, 7)
	require.NoError(t, err)
	require.EqualValues(t, 7, value, "an empty value counts as nothing")
}

// Every kind of check, with what the record holds ("-" for no record) and whether the check passes.
var checks = []struct {
	name    string
	check   pegasus.CheckType
	value   string
	operand string
	passes  bool
}{
	{"no check", pegasus.CheckTypeNoCheck, "-", "", true},
	{"not exist, absent", pegasus.CheckTypeValueNotExist, "-", "", true},
	{"not exist, present", pegasus.CheckTypeValueNotExist, "v", "", false},
	{"not exist or empty, absent", pegasus.CheckTypeValueNotExistOrEmpty, "-", "", true},
	{"not exist or empty, empty", pegasus.CheckTypeValueNotExistOrEmpty, "", "", true},
	{"not exist or empty, present", pegasus.CheckTypeValueNotExistOrEmpty, "v", "", false},
	{"exist, present", pegasus.CheckTypeValueExist, "", "", true},
	{"exist, absent", pegasus.CheckTypeValueExist, "-", "", false},
	{"not empty, empty", pegasus.CheckTypeValueNotEmpty, "", "", false},
	{"not empty, present", pegasus.CheckTypeValueNotEmpty, "v", "", true},
	{"anywhere, there", pegasus.CheckTypeMatchAnywhere, "abc", "b", true},
	{"anywhere, not there", pegasus.CheckTypeMatchAnywhere, "abc", "x", false},
	{"anywhere, absent", pegasus.CheckTypeMatchAnywhere, "-", "", false},
	{"prefix, yes", pegasus.CheckTypeMatchPrefix, "abc", "ab", true},
	{"prefix, no", pegasus.CheckTypeMatchPrefix, "abc", "bc", false},
	{"postfix, yes", pegasus.CheckTypeMatchPostfix, "abc", "bc", true},
	{"postfix, no", pegasus.CheckTypeMatchPostfix, "abc", "ab", false},
	{"bytes less", pegasus.CheckTypeBytesLess, "10", "9", true},
	{"bytes less or equal", pegasus.CheckTypeBytesLessOrEqual, "9", "9", true},
	{"bytes equal", pegasus.CheckTypeBytesEqual, "9", "09", false},
	{"bytes greater or equal", pegasus.CheckTypeBytesGreaterOrEqual, "9", "9", true},
	{"bytes greater", pegasus.CheckTypeBytesGreater, "9", "10", true},
	{"bytes less, absent", pegasus.CheckTypeBytesLess, "-", "9", false},
	{"int less", pegasus.CheckTypeIntLess, "9", "10", true},
	{"int less or equal", pegasus.CheckTypeIntLessOrEqual, "10", "10", true},
	{"int equal", pegasus.CheckTypeIntEqual, "9", "0x9", true},
	{"int greater or equal", pegasus.CheckTypeIntGreaterOrEqual, "-1", "-2", true},
	{"int equal, absent", pegasus.CheckTypeIntEqual, "-", "no number", false},
	// The client's constant for "greater as integers" has the number of "greater as bytes".
	{"int greater, which compares bytes", pegasus.CheckTypeIntGreater, "9", "10", true},
	{"int greater, which compares bytes", pegasus.CheckTypeIntGreater, "10", "9", false},
}

func TestCheckAndSet(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	for i, example := range checks {
		checkKey, setKey := []byte{1, byte(i)}, []byte{2, byte(i)}
		if example.value != "-" {
			require.NoError(t, tb.Set(soon(t), hashKey, checkKey, []byte(example.value)))
		}
		options := &pegasus.CheckAndSetOptions{ReturnCheckValue: true}
		result, err := tb.CheckAndSet(soon(t), hashKey, checkKey, example.check,
			[]byte(example.operand), setKey, []byte("set"), options)
		require.NoError(t, err, example.name)
		require.Equal(t, example.passes, result.SetSucceed, example.name)
		require.True(t, result.CheckValueReturned, example.name)
		require.Equal(t, example.value != "-", result.CheckValueExist, example.name)
		if example.value != "-" {
			require.Equal(t, example.value, string(result.CheckValue), example.name)
		}
		exists, err := tb.Exist(soon(t), hashKey, setKey)
		require.NoError(t, err)
		require.Equal(t, example.passes, exists, example.name)
	}
}

func TestCheckAndSetOfOneRecord(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKey := []byte("lock")
	result, err := tb.CheckAndSet(soon(t), hashKey, sortKey, pegasus.CheckTypeValueNotExist, nil,
		sortKey, []byte("mine"), &pegasus.CheckAndSetOptions{SetValueTTLSeconds: 300})
	require.NoError(t, err)
	require.True(t, result.SetSucceed)
	require.False(t, result.CheckValueReturned)
	ttl, err := tb.TTL(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.InDelta(t, 300, ttl, 30)

	result, err = tb.CheckAndSet(soon(t), hashKey, sortKey, pegasus.CheckTypeValueNotExist, nil,
		sortKey, []byte("yours"), nil)
	require.NoError(t, err)
	require.False(t, result.SetSucceed)
	value, err := tb.Get(soon(t), hashKey, sortKey)
	require.NoError(t, err)
	require.Equal(t, "mine", string(value))
}

func TestCheckAndSetOfNoNumber(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	require.NoError(t, tb.Set(soon(t), hashKey, []byte("s"), []byte("text")))
	ctx, cancel := contextFor(refusalLimit)
	defer cancel()
	_, err := tb.CheckAndSet(ctx, hashKey, []byte("s"), pegasus.CheckTypeIntEqual, []byte("1"),
		[]byte("s"), []byte("v"), nil)
	require.ErrorContains(t, err, "deadline exceeded")
}
