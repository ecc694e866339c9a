# Prints "SLUG FILE:LINE" for each slug that a call in the given C and grammar files reports. A function reports slugs if it has a
# parameter `const char *slug`: wrappers of diag_error are found by themselves.
use strict;
use warnings;

my (%text, %position);
for my $path (@ARGV) {
    open my $file, '<', $path or die "$path: $!\n";
    local $/;
    $text{$path} = <$file>;
}

# The arguments of the call whose opening parenthesis stands at $at - 1, split at its own commas.
sub arguments {
    my ($text, $at) = @_;
    my ($depth, $argument, @arguments) = (0, '');
    pos($text) = $at;
    while (length $argument < 4000 && $text =~ /\G("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|.)/sgc) {
        my $token = $1;
        $depth++ if $token =~ /^[(\[{]$/;
        return (@arguments, $argument) if $token eq ')' && $depth == 0;
        $depth-- if $token =~ /^[)\]}]$/;
        if ($token eq ',' && $depth == 0) {
            push @arguments, $argument;
            $argument = '';
        } else {
            $argument .= $token;
        }
    }
    return ();
}

for my $path (sort keys %text) {
    while ($text{$path} =~ /\b(\w+)\(([^()]*?)\bconst char \*slug\b/g) {
        my ($name, $before) = ($1, $2);
        $position{$name} = () = $before =~ /,/g;
    }
}
my $names = join '|', sort keys %position;
for my $path (sort keys %text) {
    my $text = $text{$path};
    while ($text =~ /\b($names)\(/g) {
        my ($name, $at) = ($1, pos $text);
        my $line = 1 + (() = substr($text, 0, $at) =~ /\n/g);
        my $argument = (arguments($text, $at))[$position{$name}] // '';
        print "$1 $path:$line\n" while $argument =~ /"([a-z0-9-]+)"/g;
    }
}
