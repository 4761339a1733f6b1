@extends('errors.layout')
@section('headline', 'Closed for repairs')
@section('advice', 'We are changing a light bulb and will be back in a few minutes.')
