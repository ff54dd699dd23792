/* Bit fields and byte order, under the names that the maker's drivers use. */
#ifndef NO_OS_UTIL_H
#define NO_OS_UTIL_H

#include <stdint.h>

#define NO_OS_BIT(n) (UINT32_C(1) << (n))
#define NO_OS_GENMASK(high, low) ((uint32_t)((UINT64_C(2) << (high)) - (UINT64_C(1) << (low))))

static inline uint32_t no_os_find_first_set_bit(uint32_t word)
{
    return word == 0 ? 32 : (uint32_t)__builtin_ctz(word);
}

static inline uint32_t no_os_field_prep(uint32_t mask, uint32_t value)
{
    return (value << no_os_find_first_set_bit(mask)) & mask;
}

static inline uint32_t no_os_field_get(uint32_t mask, uint32_t word)
{
    return (word & mask) >> no_os_find_first_set_bit(mask);
}

static inline int no_os_test_bit(int position, const uint32_t *word)
{
    return (*word >> position) & 1;
}

static inline void no_os_put_unaligned_be16(uint16_t value, uint8_t *bytes)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static inline void no_os_put_unaligned_be32(uint32_t value, uint8_t *bytes)
{
    no_os_put_unaligned_be16((uint16_t)(value >> 16), bytes);
    no_os_put_unaligned_be16((uint16_t)value, bytes + 2);
}

static inline uint16_t no_os_get_unaligned_be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t no_os_get_unaligned_be32(const uint8_t *bytes)
{
    return (uint32_t)no_os_get_unaligned_be16(bytes) << 16 | no_os_get_unaligned_be16(bytes + 2);
}

#endif
