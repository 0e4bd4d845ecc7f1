# compiled as it is, without C types
